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
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/v2"
)

// yamlFile answers kong's question for a flag's value from a YAML file whose keys are the flags' names.
type yamlFile struct{ values *koanf.Koanf }

func loadYAML(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	values := koanf.New("\x00") // flags' names have no levels
	if err := values.Load(bytesProvider(text), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return yamlFile{values}, nil
}

type bytesProvider []byte

func (b bytesProvider) ReadBytes() ([]byte, error)  { return b, nil }
func (bytesProvider) Read() (map[string]any, error) { return nil, errors.New("not supported") }

// Validate refuses keys that no command knows: a setting that is not read is a mistake.
func (f yamlFile) Validate(app *kong.Application) error {
	known := flagNames(app.Node)
	var unknown []string
	for _, key := range f.values.Keys() {
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

// Resolve returns the file's value of a flag, or nil when it has none or a variable says it.
func (f yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !f.values.Exists(flag.Name) {
		return nil, nil
	}
	// kong asks files after variables and lets them win; here a variable is nearer to the command than a file.
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	if list, ok := f.values.Get(flag.Name).([]any); ok {
		return strings.Join(f.values.Strings(flag.Name), ","), checkScalars(flag.Name, list)
	}
	return fmt.Sprint(f.values.Get(flag.Name)), nil
}

func checkScalars(name string, list []any) error {
	for _, v := range list {
		switch v.(type) {
		case map[string]any, []any:
			return fmt.Errorf("configuration file: %s: a list of plain values is wanted", name)
		}
	}
	return nil
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
