# Completion of echotimed(8) for bash. The keys and their values are those of the program's own table.
# shellcheck shell=bash

# By SECTION.KEY: what can be offered as its value.
declare -gA _echotimed_values=(
@completion values@
)

# The words before the cursor, whole, into `words`: bash has cut them at each = and :, as
# COMP_WORDBREAKS says. Before the first stands an empty one.
_echotimed_words() {
    local piece
    words=('')
    for piece in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        # A value never begins with -, so that is a word of its own even behind an =.
        if [[ -n $piece && $piece != -* && ($piece == [=:]* || ${words[-1]} == *[=:]) ]]; then
            words[-1]+=$piece
        else
            words+=("$piece")
        fi
    done
}

# Offers SECTION.KEY= or, behind the =, values.
_echotimed_setting() {
    local word=$1 key=${1%%=*} values
    if [[ $word != *=* ]]; then
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -S = -W "${!_echotimed_values[*]}" -- "$word")
        return
    fi
    case $key in
    daemon.user) values=$(compgen -u) ;;
    daemon.group) values=$(compgen -g) ;;
    tcp.congestion_control) values=$(</proc/sys/net/ipv4/tcp_available_congestion_control) ;;
    *) values=${_echotimed_values[$key]-} ;;
    esac
    mapfile -t COMPREPLY < <(compgen -P "$key=" -W "$values" -- "${word#*=}")
}

_echotimed() {
    local words word option='' lead='' piece=${COMP_WORDS[COMP_CWORD]}
    local options='-c --config -o --option -t --test -T --dump-config -V --version -h --help'
    COMPREPLY=()
    _echotimed_words
    word=${words[-1]}
    # An option and its value stand in one word (with `lead` before the value), or in two.
    case $word in
    --config=* | --option=*) option=${word%%=*} lead=$option= ;;
    -[co]?*) option=${word:0:2} lead=$option ;;
    *) option=${words[-2]-} ;;
    esac
    word=${word#"$lead"}
    case $option in
    -c | --config)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    -o | --option) _echotimed_setting "$word" ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
    esac
    [[ ${#COMPREPLY[@]} -gt 0 ]] || return 0
    # Bash puts the answer in the place of the last piece alone, and behind a = or :.
    COMPREPLY=("${COMPREPLY[@]/#/"$lead"}")
    [[ $piece == [=:]* ]] && piece=''
    word=${words[-1]}
    COMPREPLY=("${COMPREPLY[@]#"${word%"$piece"}"}")
}

complete -F _echotimed echotimed
