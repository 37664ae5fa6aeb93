# Completion of echotime(1) for bash.
# shellcheck shell=bash

# By command: the options that it takes besides the common ones.
declare -gA _echotime_options=(
    [time]='-p --protocol -f --framing -w --timeout -q --quiet'
    [ping]='-p --protocol -f --framing -c --count -i --interval -s --size -w --timeout -q --quiet'
    [send]='-f --framing -w --timeout'
    [load]='-f --framing -s --size -n --connections -d --depth -r --rate -t --duration -w --timeout'
    [health]='-p --protocol -f --framing -w --timeout -q --quiet'
)
_echotime_common='-4 --ipv4 -6 --ipv6 --source --json -h --help -V --version'

# By command: what --protocol takes.
declare -gA _echotime_protocols=(
    [time]='text daytime rfc868 ntp'
    [ping]='echo time ntp stamp'
    [health]='echo time daytime rfc868 ntp stamp'
)

# By command: what --framing takes where that is not all of them.
declare -gA _echotime_framings=(
    [time]='line length16 length32'
)

# The addresses of this host.
_echotime_addresses() {
    ip -o address 2>/dev/null | while read -r _ _ _ address _; do
        printf '%s\n' "${address%/*}"
    done
}

_echotime() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local values
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${!_echotime_options[*]} -h --help -V --version" -- "$word")
        return
    fi
    [[ -n ${_echotime_options[$command]-} ]] || return 0
    # Bash cuts --protocol=ntp in three at its =, as COMP_WORDBREAKS says.
    if [[ $word == = ]]; then
        word=''
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $before in
    -p | --protocol) values=${_echotime_protocols[$command]-} ;;
    -f | --framing) values=${_echotime_framings[$command]-raw line length16 length32} ;;
    --source) values=$(_echotime_addresses) ;;
    -[cisndrtw] | --count | --interval | --size | --connections | --depth | --rate | --duration | --timeout)
        return 0
        ;;
    *) values="${_echotime_options[$command]} $_echotime_common" ;;
    esac
    if [[ $word != -* && $before != -[pf] && $before != --protocol && $before != --framing &&
        $before != --source ]]; then
        compopt -o nospace 2>/dev/null
        [[ ${COMP_WORDS[COMP_CWORD]} == : || $before == : ]] || values+=' tcp:// udp://'
    fi
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
}

complete -F _echotime echotime
