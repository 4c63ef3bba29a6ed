# SPDX-License-Identifier: MIT
# bash completion of tgvoip and tgvoipcall. Needs nothing but bash.

# Files, with what stands before them (an @).
_tgvoip_files() {
    local prefix=$1 file
    while IFS= read -r file; do
        [ -d "$file" ] && file=$file/
        COMPREPLY+=("$prefix$file")
    done < <(compgen -f -- "${cur#"$prefix"}")
    compopt -o nospace -o filenames 2>/dev/null
    [ "${#COMPREPLY[@]}" = 1 ] && [ "${COMPREPLY[0]: -1}" != / ] &&
        compopt +o nospace 2>/dev/null
}

_tgvoip_words() {
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$1" -- "$cur")
}

# A value that may be a file: @FILE, @-.
_tgvoip_secret() {
    case $cur in
    @*) _tgvoip_files @ ;;
    *)
        COMPREPLY=(@)
        compopt -o nospace 2>/dev/null
        ;;
    esac
}

_tgvoip_networks='unknown gprs edge 3g hspa lte wifi ethernet
    other_high_speed other_low_speed dialup other_mobile'
_tgvoip_general='--help --verbose --quiet --log-level -h -v -q'
_tgvoip_impairment='--loss --burst --delay --jitter --reorder --dup --corrupt
    --rate --blackout --drift --profile --seed'

# The value of the option $prev. @return 1 if that takes none
_tgvoip_value() {
    case $1/$prev in
    demo/--tcp) return 1 ;;
    */--log-level) _tgvoip_words 'error warning info debug' ;;
    */--profile)
        _tgvoip_words 'wifi 3g1 3g2 3g3 3g4 3gdelay 3goutage edge1 edge2
            gprs1 gprs2 gprs3'
        ;;
    inspect/--role) _tgvoip_words 'caller callee both' ;;
    */--role) _tgvoip_words 'caller callee' ;;
    */--network) _tgvoip_words "$_tgvoip_networks" ;;
    */--data-saving) _tgvoip_words 'never mobile always' ;;
    */--key | */--config | */--p | */--public | */--g-a | */--proxy)
        _tgvoip_secret
        ;;
    */--in | */--out | */--log | */--stats | */--packets | \
        */--state | */--ts | */--sessions)
        _tgvoip_files ''
        ;;
    */--limit)
        _tgvoip_words 'idle-s= sessions= packets= kbit= control= moves= tcp= tcp-side=
            tcp-address= tcp-header-s= tcp-frame-s= tcp-idle-s= tcp-queue='
        compopt -o nospace 2>/dev/null
        ;;
    */--relay | */--tcp-relay | */--layer | */--duration | */--start-at | */--event | \
        */--init-timeout | */--recv-timeout | */--listen | */--tcp | */--session | \
        */--seconds | */--g | */--loss | */--burst | */--delay | \
        */--jitter | */--reorder | */--dup | */--corrupt | */--rate | \
        */--blackout | */--drift | */--seed) ;;
    *) return 1 ;;
    esac
    return 0
}

_tgvoip_options() {
    case $1 in
    demo) echo "--in --out --seconds --tcp --json $_tgvoip_impairment" ;;
    call)
        echo '--role --key --relay --tcp-relay --p2p --proxy --layer --in
            --out --mute --duration --start-at --event --init-timeout --recv-timeout --config
            --network --data-saving --allow-v1 --log --stats --packets
            --state --ts --json'
        ;;
    relay)
        echo "--listen --tcp --session --sessions --open --limit --json
            $_tgvoip_impairment"
        ;;
    inspect) echo '--key --role --json' ;;
    keys) echo '--g --p --public --key --g-a --json' ;;
    esac
}

_tgvoip() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]}

    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        _tgvoip_words 'demo call relay inspect keys --help --version'
        return
    fi
    _tgvoip_value "$command" && return
    case $command/$cur in
    */-*) _tgvoip_words "$(_tgvoip_options "$command") $_tgvoip_general" ;;
    inspect/*) _tgvoip_files '' ;;
    keys/*) _tgvoip_words 'check-dh fingerprint emoji' ;;
    *) _tgvoip_words "$(_tgvoip_options "$command")" ;;
    esac
}

_tgvoipcall() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

    COMPREPLY=()
    case $prev in
    -k) _tgvoip_secret ;;
    -i | -o | -p | -c) _tgvoip_files '' ;;
    -r) _tgvoip_words 'caller callee' ;;
    -t) _tgvoip_words '0 1 2 3 4 5 6 7 8 9 10 11' ;;
    -s) _tgvoip_words 'never always' ;;
    -n | -g) _tgvoip_words 'no yes' ;;
    --log-level) _tgvoip_words 'error warning info debug' ;;
    *)
        case $cur in
        -*)
            _tgvoip_words "-k -r -i -o -p -c -t -s -n -g $_tgvoip_general"
            ;;
        esac
        ;;
    esac
}

complete -F _tgvoip tgvoip
complete -F _tgvoipcall tgvoipcall
