package query

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clientTools is where make clients puts what generates clients.
func clientTools(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../bin/clients")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, ".done")); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatal("bin/clients is missing: run make clients")
		}
		t.Skip("bin/clients is missing: run make clients")
	}
	return folder
}

// run runs a program in a folder, and returns what it prints.
func run(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// A client in Go that is generated from the document compiles, and a stranger who knows no more than it gets the three
// answers. Types for TypeScript compile too.
func TestServer_Document_Clients(t *testing.T) {
	tools := clientTools(t)
	s := exampleServer(t)
	folder := t.TempDir()
	document := filepath.Join(folder, "openapi.json")
	if err := os.WriteFile(document, get(s, "/openapi.json").Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"go", "typescript"} {
		if err := os.CopyFS(filepath.Join(folder, language),
			os.DirFS(filepath.Join("testdata/clients", language))); err != nil {
			t.Fatal(err)
		}
	}

	inGo := filepath.Join(folder, "go")
	if err := os.Mkdir(filepath.Join(inGo, "api"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, inGo, filepath.Join(tools, "oapi-codegen"), "-generate", "types,client", "-package", "api", "-o",
		"api/api.go", document)
	run(t, inGo, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "stranger", ".")
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	answers := run(t, inGo, filepath.Join(inGo, "stranger"), server.URL, adminKey)
	for _, want := range []string{"open viber 9 9\n", "saved RUB ", "dead +79001234567 "} {
		if !strings.Contains(answers, want) {
			t.Errorf("%q is not among the answers:\n%s", want, answers)
		}
	}

	inTypeScript := filepath.Join(folder, "typescript")
	modules := filepath.Join(tools, "node_modules")
	run(t, inTypeScript, "node", filepath.Join(modules, "openapi-typescript/bin/cli.js"), document, "-o", "api.ts")
	run(t, inTypeScript, "node", filepath.Join(modules, "typescript/bin/tsc"), "--strict", "--noEmit", "stranger.ts",
		"api.ts")
}
