# bash completion of kaskad: source <(kaskad completion bash)
_kaskad() {
    local candidates
    mapfile -t candidates < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1)
    COMPREPLY=("${candidates[@]}")
    # Another name may follow behind a comma.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *,* ]]; then
        compopt -o nospace
    fi
}
complete -o bashdefault -o default -F _kaskad kaskad
