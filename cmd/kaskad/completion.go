package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"kaskad/cmd/kaskad/client"
)

var (
	//go:embed completion/kaskad.bash
	bashCompletion string
	//go:embed completion/kaskad.zsh
	zshCompletion string
	//go:embed completion/kaskad.fish
	fishCompletion string
)

type completionCommand struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Help says what to do with the script.
func (completionCommand) Help() string {
	return `The script asks this program what may come next, so it knows commands, flags, reports and their columns.

    source <(kaskad completion bash)                                              # for this shell; in ~/.bashrc for all
    kaskad completion zsh > "${fpath[1]}/_kaskad"
    kaskad completion fish > ~/.config/fish/completions/kaskad.fish`
}

func (c *completionCommand) Run() error {
	fmt.Print(map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell])
	return nil
}

// completeCommand is what the scripts ask.
type completeCommand struct {
	Words []string `arg:"" optional:"" help:"Words of the command line; the last is completed."`
}

// Run prints what may stand in place of the last word, one candidate a line, with its meaning behind a tab.
func (c *completeCommand) Run(app *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, candidate := range complete(app.Model.Node, words) {
		fmt.Printf("%s\t%s\n", candidate.word, candidate.means)
	}
	return nil
}

type candidate struct{ word, means string }

// complete lists what may stand in place of the last word.
func complete(node *kong.Node, words []string) (found []candidate) {
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	var waiting *kong.Flag // for its value
	argument := 0
	for _, word := range words {
		name, _, hasValue := strings.Cut(word, "=")
		switch {
		case word == "=": // bash splits --flag=value there
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(word, "-"):
			if flag := findFlag(node, name); flag != nil && !hasValue && !flag.IsBool() {
				waiting = flag
			}
		default:
			if child := findChild(node, word); child != nil {
				node = child
			} else {
				argument++
			}
		}
	}
	name, value, hasValue := strings.Cut(last, "=")
	switch {
	case last == "=" && waiting != nil:
		found = valuesOf(waiting.Value, "")
	case waiting != nil:
		found = valuesOf(waiting.Value, last)
	case strings.HasPrefix(last, "-") && hasValue:
		if flag := findFlag(node, name); flag != nil {
			for _, c := range valuesOf(flag.Value, value) {
				found = append(found, candidate{name + "=" + c.word, c.means})
			}
		}
	case strings.HasPrefix(last, "-"):
		for _, flags := range node.AllFlags(true) {
			for _, flag := range flags {
				found = append(found, candidate{"--" + flag.Name, firstSentence(flag.Help)})
			}
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				found = append(found, candidate{child.Name, firstSentence(child.Help)})
			}
		}
		if argument < len(node.Positional) {
			found = append(found, valuesOf(node.Positional[argument], last)...)
		}
	}
	if last == "=" && waiting != nil {
		return found
	}
	return slices.DeleteFunc(found, func(c candidate) bool { return !strings.HasPrefix(c.word, last) })
}

// valuesOf are the values that a flag or an argument may have. Of a list with commas the last name is completed, and
// those before it are not offered again.
func valuesOf(v *kong.Value, typed string) (found []candidate) {
	before := ""
	if v.Tag.Has(client.CommaTag) || v.IsSlice() && v.Tag.Sep == ',' {
		before = typed[:strings.LastIndexByte(typed, ',')+1]
	}
	for _, value := range strings.Split(cmp.Or(v.Tag.Get(client.ValuesTag), v.Enum), ",") {
		if value != "" && !slices.Contains(strings.Split(before, ","), value) {
			found = append(found, candidate{before + value, ""})
		}
	}
	return found
}

func findChild(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name || slices.Contains(child.Aliases, name) {
			return child
		}
	}
	return nil
}

// findFlag finds a flag as it is typed, --name or -n.
func findFlag(node *kong.Node, typed string) *kong.Flag {
	for _, flags := range node.AllFlags(false) {
		for _, flag := range flags {
			if long, isLong := strings.CutPrefix(typed, "--"); isLong &&
				(long == flag.Name || slices.Contains(flag.Aliases, long)) ||
				flag.Short != 0 && typed == "-"+string(flag.Short) {
				return flag
			}
		}
	}
	return nil
}

func firstSentence(help string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(help, "\n", " "), ". ")
	return first
}
