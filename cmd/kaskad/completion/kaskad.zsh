#compdef kaskad
# zsh completion of kaskad: kaskad completion zsh > "${fpath[1]}/_kaskad"
_kaskad() {
    local -a candidates
    local line
    while IFS= read -r line; do
        candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        _describe kaskad candidates
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _kaskad "$@"
else
    compdef _kaskad kaskad
fi
