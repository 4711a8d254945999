# fish completion of kaskad: kaskad completion fish > ~/.config/fish/completions/kaskad.fish
function __kaskad_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l candidates ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c kaskad -f -a '(__kaskad_complete)'
