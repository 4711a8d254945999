package query

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"kaskad/engine/enginetest"
	"kaskad/query/door"
)

// Whatever schemathesis thinks of by the document, nothing fails inside, and no answer is undocumented.
func TestServer_Document_Schemathesis(t *testing.T) {
	program, err := filepath.Abs("../bin/schemathesis/bin/schemathesis")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatal("bin/schemathesis is missing: run make schemathesis")
		}
		t.Skip("bin/schemathesis is missing: run make schemathesis")
	}
	s := exampleServer(t, func(c *Config, _ *Deps) { // who asks without a pause is not to be told to wait
		c.KeyLimits = door.Limits{PerSecond: 1e6, Burst: 1e6, Running: 1000}
		c.IngestLimits = c.KeyLimits
	})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	command := exec.CommandContext(t.Context(), program, "run", server.URL+"/openapi.json", "--header",
		"Authorization: Bearer "+adminKey, "--phases", "examples,fuzzing", "--max-examples",
		strconv.Itoa(enginetest.World(t, 1, 3, 100)), "--seed", "1", "--generation-database", "none", "--no-color",
		"--request-timeout", "120", // an erasure answers when it has ended, on a busy machine after more than its 10 s
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance")
	command.Dir = t.TempDir()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out[max(0, len(out)-1500):])
}
