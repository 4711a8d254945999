package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// yamlFile resolves kong's flags from a YAML file whose keys are the flags' names.
type yamlFile map[string]yaml.Node

func loadYAML(r io.Reader) (kong.Resolver, error) {
	values := yamlFile{}
	decoder := yaml.NewDecoder(r)
	if err := decoder.Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read configuration file: want lines such as \"topic: kaskad.events\": %w", err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file: line %d: a second document would not be read: put all keys into "+
			"one", second.Line)
	}
	return values, nil
}

// Validate refuses keys that no command knows: a setting that is not read is a mistake.
func (f yamlFile) Validate(app *kong.Application) error {
	known := flagNames(app.Node)
	var unknown []string
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("configuration file: unknown keys %s; known are %s", strings.Join(unknown, ", "),
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return nil
}

// Resolve returns the file's value of a flag as it is written there, or nil when the file has none or an environment
// variable takes its place.
func (f yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := f[flag.Name]
	if !ok {
		return nil, nil
	}
	// kong lets files override environment variables; here a variable is nearer to the command than a file.
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	if value.Kind == yaml.SequenceNode && flag.IsSlice() {
		texts := make([]any, 0, len(value.Content))
		for _, element := range value.Content {
			text, err := plainValue(flag.Name, element)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		return texts, nil
	}
	return plainValue(flag.Name, &value)
}

// plainValue returns the text of a value as it is written, whatever type YAML sees in it: a password of 0123 keeps its
// zero.
func plainValue(name string, value *yaml.Node) (string, error) {
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
		return "", fmt.Errorf("configuration file: line %d: %s: want one plain value, or a list of plain values where "+
			"the flag takes several", value.Line, name)
	}
	return value.Value, nil
}

// environmentOnly are variables that are no flags: where the engine's library lies, and what marks the engine's child
// process.
var environmentOnly = []string{"KASKAD_CHDB_LIB", "KASKAD_CONFIG"}

// checkEnvironment refuses KASKAD_ variables that no command knows.
func checkEnvironment(app *kong.Application, environment []string) error {
	known := map[string]bool{}
	for _, name := range environmentOnly {
		known[name] = true
	}
	for name := range flagNames(app.Node) {
		known["KASKAD_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
	}
	var unknown []string
	for _, pair := range environment {
		name, _, _ := strings.Cut(pair, "=")
		// Kubernetes describes a service called kaskad to every pod by variables of these names.
		if strings.HasPrefix(name, "KASKAD_SERVICE_") || strings.HasPrefix(name, "KASKAD_PORT") {
			continue
		}
		if strings.HasPrefix(name, "KASKAD_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("unknown environment variables %s: see --help for the flags they stand for",
			strings.Join(unknown, ", "))
	}
	return nil
}

func flagNames(node *kong.Node) map[string]bool {
	names := map[string]bool{}
	for _, f := range node.Flags {
		names[f.Name] = true
	}
	for _, child := range node.Children {
		maps.Copy(names, flagNames(child))
	}
	delete(names, "help")
	return names
}
