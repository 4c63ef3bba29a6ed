# SPDX-License-Identifier: MIT
# fish completion of tgvoip

function __tgvoip_no_command
    test (count (commandline -opc)) -eq 1
end

function __tgvoip_in
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

# A value that may be a file: @FILE, @-.
function __tgvoip_secret
    set -l word (commandline -ct)
    printf '%s\n' @-
    for file in (__fish_complete_path (string replace -r '^@' '' -- $word))
        printf '@%s\n' $file
    end
end

complete -c tgvoip -f
complete -c tgvoip -n __tgvoip_no_command -a demo -d 'hear a call'
complete -c tgvoip -n __tgvoip_no_command -a call -d 'one end of a call'
complete -c tgvoip -n __tgvoip_no_command -a relay -d 'the server that forwards packets'
complete -c tgvoip -n __tgvoip_no_command -a inspect -d 'decrypt a recorded call'
complete -c tgvoip -n __tgvoip_no_command -a keys -d 'check and name keys'
complete -c tgvoip -n __tgvoip_no_command -l version -d 'print the version'
complete -c tgvoip -s h -l help -d 'list the options'

set -l any '__tgvoip_in demo call relay inspect keys'
complete -c tgvoip -n $any -s v -l verbose -d 'the log on standard error'
complete -c tgvoip -n $any -s q -l quiet -d 'no progress, errors only'
complete -c tgvoip -n $any -l log-level -x -a 'error warning info debug' -d 'what of the log is printed'
complete -c tgvoip -n $any -l json -d 'JSON lines on standard output'

set -l net '__tgvoip_in demo relay'
complete -c tgvoip -n $net -l loss -x -d 'lose packets, percent'
complete -c tgvoip -n $net -l burst -x -d 'lose in bursts, mean length'
complete -c tgvoip -n $net -l delay -x -d 'delay each packet, ms'
complete -c tgvoip -n $net -l jitter -x -d 'and by 0..MS more'
complete -c tgvoip -n $net -l reorder -x -d 'let packets overtake, percent'
complete -c tgvoip -n $net -l dup -x -d 'deliver twice, percent'
complete -c tgvoip -n $net -l corrupt -x -d 'damage, percent'
complete -c tgvoip -n $net -l rate -x -d 'limit, kbit/s'
complete -c tgvoip -n $net -l blackout -x -d 'nothing passes from T0 to T1'
complete -c tgvoip -n $net -l drift -x -d 'clock of the network, ppm'
complete -c tgvoip -n $net -l profile -x -a 'wifi 3g1 3g2 3g3 3g4 3gdelay 3goutage edge1 edge2 gprs1 gprs2 gprs3' -d 'a known network'
complete -c tgvoip -n $net -l seed -x -d 'of the random numbers'

complete -c tgvoip -n '__tgvoip_in demo' -l in -r -F -d 'what both say'
complete -c tgvoip -n '__tgvoip_in demo' -l out -x -a '(__fish_complete_directories)' -d 'where the files go'
complete -c tgvoip -n '__tgvoip_in demo' -l seconds -x -d 'length of the conversation'
complete -c tgvoip -n '__tgvoip_in demo' -l tcp -d 'reach the relay by TCP'

set -l call '__tgvoip_in call'
complete -c tgvoip -n $call -l role -x -a 'caller callee' -d 'this side'
complete -c tgvoip -n $call -l key -x -a '(__tgvoip_secret)' -d 'the key'
complete -c tgvoip -n $call -l relay -x -d 'a UDP relay, HOST:PORT:TAGHEX'
complete -c tgvoip -n $call -l tcp-relay -x -d 'a TCP relay, HOST:PORT:TAGHEX'
complete -c tgvoip -n $call -l p2p -d 'allow direct paths'
complete -c tgvoip -n $call -l proxy -x -a '(__tgvoip_secret)' -d 'socks5://[user:pass@]host:port'
complete -c tgvoip -n $call -l layer -x -d 'connection layer, 65..92'
complete -c tgvoip -n $call -l in -r -F -d 'what is said'
complete -c tgvoip -n $call -l out -r -F -d 'record what is heard'
complete -c tgvoip -n $call -l mute -d 'start with the microphone off'
complete -c tgvoip -n $call -l duration -x -d 'hang up after so many seconds'
complete -c tgvoip -n $call -l start-at -x -d 'second of CLOCK_MONOTONIC'
complete -c tgvoip -n $call -l event -x -d 'T:mute, T:unmute, T:network=NAME'
complete -c tgvoip -n $call -l init-timeout -x -d 'seconds until somebody answers'
complete -c tgvoip -n $call -l recv-timeout -x -d 'seconds of silence'
complete -c tgvoip -n $call -l config -x -a '(__tgvoip_secret)' -d 'the call configuration, JSON'
complete -c tgvoip -n $call -l network -x -a 'unknown gprs edge 3g hspa lte wifi ethernet other_high_speed other_low_speed dialup other_mobile' -d 'the network'
complete -c tgvoip -n $call -l data-saving -x -a 'never mobile always' -d 'when to save data'
complete -c tgvoip -n $call -l allow-v1 -d 'accept the old encryption'
complete -c tgvoip -n $call -l log -r -F -d 'the log of the call'
complete -c tgvoip -n $call -l stats -r -F -d 'measures'
complete -c tgvoip -n $call -l packets -r -F -d 'a row for each packet'
complete -c tgvoip -n $call -l state -r -F -d 'what a call learns for the next one'
complete -c tgvoip -n $call -l ts -r -F -d 'a line for each block'

set -l relay '__tgvoip_in relay'
complete -c tgvoip -n $relay -l listen -x -d 'HOST:PORT'
complete -c tgvoip -n $relay -l tcp -x -d 'HOST:PORT for TCP'
complete -c tgvoip -n $relay -l session -x -d 'serve this session only'
complete -c tgvoip -n $relay -l sessions -r -F -d 'the same from a file'
complete -c tgvoip -n $relay -l open -d 'serve every tag'
complete -c tgvoip -n $relay -l limit -x -a 'idle-s= sessions= packets= kbit= control= moves= tcp= tcp-side= tcp-address= tcp-header-s= tcp-frame-s= tcp-idle-s= tcp-queue=' -d 'change a limit'

complete -c tgvoip -n '__tgvoip_in inspect' -l key -x -a '(__tgvoip_secret)' -d 'the key'
complete -c tgvoip -n '__tgvoip_in inspect' -l role -x -a 'caller callee both' -d 'whose packets'
complete -c tgvoip -n '__tgvoip_in inspect' -F

set -l keys '__tgvoip_in keys'
complete -c tgvoip -n $keys -a 'check-dh fingerprint emoji'
complete -c tgvoip -n $keys -l g -x -a '2 3 4 5 6 7' -d 'the generator'
complete -c tgvoip -n $keys -l p -x -a '(__tgvoip_secret)' -d 'the prime'
complete -c tgvoip -n $keys -l public -x -a '(__tgvoip_secret)' -d 'a public value'
complete -c tgvoip -n $keys -l key -x -a '(__tgvoip_secret)' -d 'the key'
complete -c tgvoip -n $keys -l g-a -x -a '(__tgvoip_secret)' -d 'what the caller sent'
