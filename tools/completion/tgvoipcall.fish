# SPDX-License-Identifier: MIT
# fish completion of tgvoipcall

function __tgvoipcall_key
    set -l word (commandline -ct)
    printf '%s\n' @-
    for file in (__fish_complete_path (string replace -r '^@' '' -- $word))
        printf '@%s\n' $file
    end
end

complete -c tgvoipcall -f
complete -c tgvoipcall -s k -x -a '(__tgvoipcall_key)' -d 'the key'
complete -c tgvoipcall -s r -x -a 'caller callee' -d 'this side'
complete -c tgvoipcall -s i -r -F -d 'what is said'
complete -c tgvoipcall -s o -r -F -d 'record what is heard'
complete -c tgvoipcall -s p -r -F -d 'record what was sent, decoded'
complete -c tgvoipcall -s c -r -F -d 'the call configuration, JSON'
complete -c tgvoipcall -s t -x -a '0 1 2 3 4 5 6 7 8 9 10 11' -d network
complete -c tgvoipcall -s s -x -a 'never always' -d 'save data'
complete -c tgvoipcall -s n -x -a 'no yes' -d 'noise suppression'
complete -c tgvoipcall -s g -x -a 'no yes' -d 'gain control'
complete -c tgvoipcall -s h -l help -d 'list the options'
complete -c tgvoipcall -s v -l verbose -d 'the log on standard error'
complete -c tgvoipcall -s q -l quiet -d 'no progress, errors only'
complete -c tgvoipcall -l log-level -x -a 'error warning info debug' -d 'what of the log is printed'
