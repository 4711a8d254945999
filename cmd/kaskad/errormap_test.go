package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// All problems of a file come at once, each with its line, in each form.
func TestErrorMapCheck_ListsEveryProblem(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string // FILE:LINE: field:
	}{
		"bad.yaml": {"lines:\n- provider: devino\n  code: 40\n  class: memory\n- code: 000\n  class: dnd\n- " +
			"provider: devino\n  code: 040\n  class: dnd\n" +
			"aliases:\n- provider: mts\n  like: mapp\n- provider: \"*\"\n  like: map\n- {provider: mts, like: map}\n",
			[]string{":4: class: ", ":5: code: ", ":8: code: ", ":12: aliases.like: ", ":13: aliases.provider: ",
				":15: aliases.provider: "}},
		"bad.json": {"{\"lines\":[\n{\"code\":\"1\"}],\n\"aliases\":[{\"provider\":\"x\",\n\"like\":\"nexmo\"}]}",
			[]string{":2: class: ", ":4: aliases.like: "}},
		"bad.csv": {"provider,code,class,like\nx,1,dnd,map\nx,,dnd,\n*,,,map\n",
			[]string{":2: code: ", ":2: class: ", ":3: code: ", ":4: provider: "}},
		"old.yaml":    {"error_map:\n- code: 1\n  class: dnd\n", []string{":1: error_map: "}},
		"nothing.yml": {"{}\n", []string{":1: lines: "}},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, name, c.body)
			stdout, stderr, code := command(t, "", "error-map", "check", file)
			if lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n"); code != 1 || len(lines) != len(c.want) ||
				!strings.Contains(stderr, fmt.Sprintf("%d problem", len(c.want))) {
				t.Errorf("exit %d, %d problems, want 1 and %d:\n%s%s", code, len(lines), len(c.want), stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains("\n"+stdout, "\n"+file+want) {
					t.Errorf("no line begins with %q:\n%s", want, stdout)
				}
			}
		})
	}
	good := "lines:\n- {provider: devino, code: 40, class: memory_full}\n- {provider: nexmo, code: 5, class: " +
		"dnd}\naliases:\n- {provider: mts, like: map}\n- {provider: nexmo, like: vonage}\n"
	if out := must(t, good, "error-map", "check", "-", "--format",
		"yaml"); out != "-: 3 lines and aliases, nothing wrong\n" {
		t.Errorf("a good file, of which one alias is shipped: %s", out)
	}
}

func testImportsErrorMaps(t *testing.T, k *kaskad) {
	here := []string{"--account", "acme", "--url", "http://" + k.address}
	run := func(input string, args ...string) string {
		t.Helper()
		return must(t, input, append(append([]string{"error-map"}, args...), here...)...)
	}
	type shown struct {
		Version int
		Lines   []struct{ Provider, Code, Class, Origin string }
		Aliases []struct{ Provider, Like, Origin string }
	}
	own := func() (version int, all string) {
		var got shown
		k.get("/v1/error-map?account=acme", &got)
		for _, l := range got.Lines {
			if l.Origin == "account" {
				all += fmt.Sprintf("%s %s %s; ", l.Provider, l.Code, l.Class)
			}
		}
		for _, a := range got.Aliases {
			if a.Origin == "account" {
				all += fmt.Sprintf("%s like %s; ", a.Provider, a.Like)
			}
		}
		return got.Version, all
	}
	if _, stderr, code := command(t, "", append([]string{"error-map", "export"}, here...)...); code != 1 ||
		!strings.Contains(stderr, `account "acme" has no error-map`) {
		t.Errorf("export of nothing: exit %d, %s", code, stderr)
	}

	first := "provider,code,class,like\ndevino,040,memory_full,\n*,13,dnd,\nmap,1,unknown_subscriber,\nmts,,,map\nnexmo,,,vonage\n"
	plus := "+ provider=devino code=40 class=memory_full\n+ code=13 class=dnd\n+ provider=mts like=map\n" +
		"error-map of acme: 3 added, 0 removed, 0 changed, 0 as they were\n"
	file := write(t, "first.csv", first)
	if got, want := run("", "import", file, "--dry-run"), plus+"version 0 stays (--dry-run)\n"; got != want {
		t.Errorf("dry run prints\n%s want\n%s", got, want)
	}
	if version, all := own(); version != 0 || all != "" {
		t.Errorf("the dry run leaves version %d: %s", version, all)
	}
	if got, want := run("", "import", file), plus+"version 0 → 1\n"; got != want {
		t.Errorf("import prints\n%s want\n%s", got, want)
	}
	const want = "* 13 dnd; devino 40 memory_full; mts like map; "
	if version, all := own(); version != 1 || all != want {
		t.Errorf("version %d: %s, want %s", version, all, want)
	}

	// What is written in any form is, imported, what was there.
	for _, name := range []string{"out.yaml", "out.csv", "out.json"} {
		path := filepath.Join(t.TempDir(), name)
		if got, want := run("", "export", path),
			fmt.Sprintf("wrote error-map of acme, version 1, to %s\n", path); got != want {
			t.Errorf("%s: export prints %s", name, got)
		}
		if got := run("", "import", path); got != "error-map of acme: 0 added, 0 removed, 0 changed, 3 as they "+
			"were\nversion 1 stays\n" {
			t.Errorf("%s: importing what was exported prints\n%s", name, got)
		}
	}
	second := "lines:\n- {provider: devino, code: 40, class: absent_subscriber}\naliases:\n- {provider: mts, like: " +
		"smsc}\n"
	changes := "~ provider=devino code=40: class memory_full → absent_subscriber\n~ provider=mts: like map → smsc\n- " +
		"code=13 class=dnd\n" +
		"error-map of acme: 0 added, 1 removed, 2 changed, 0 as they were\nversion 1 → 2\n"
	if got := run(second, "import", "-", "--format", "yaml"); got != changes {
		t.Errorf("the second import prints\n%s want\n%s", got, changes)
	}
	old := run("", "export", "--at-version", "1")
	if !strings.HasPrefix(old, `# error-map of account "acme", version 1, put at `+
		sharedNow.Format("2006-01-02T15:04:05.000Z")+"\n") {
		t.Errorf("version 1 is exported as\n%s", old)
	}
	if got := run(old, "import", "-", "--format", "yaml"); !strings.HasSuffix(got, "version 2 → 3\n") {
		t.Errorf("going back to version 1 prints\n%s", got)
	}
	if version, all := own(); version != 3 || all != want {
		t.Errorf("version %d: %s, want %s", version, all, want)
	}
	bad := write(t, "bad.csv", "provider,code,class\nx,1,nothing\n")
	if _, stderr, code := command(t, "", append([]string{"error-map", "import", bad}, here...)...); code != 1 ||
		!strings.Contains(stderr, "1 problem; nothing was changed") {
		t.Errorf("a bad file: exit %d, %s", code, stderr)
	}
}
