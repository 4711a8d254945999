// Package law says how the facts of an attempt merge, and what they mean (docs/definitions.md section 1): delivered,
// sent, failed, read, settled. Each law stands once in SQL, for what is computed from whole tables, and once in Go, for
// what is computed of single messages; tests compare both over random facts.
package law

import (
	"embed"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"text/template"
	"time"

	"kaskad/schema"
)

//go:embed sql/*.sql
var files embed.FS

// Template returns a new template of SQL that knows the law: the templates of sql/ and the constants that they
// name.
func Template(name string) *template.Template {
	return template.Must(template.New(name).Funcs(template.FuncMap{
		"never":            func() string { return strconv.FormatInt(schema.Never, 10) },
		"dayMS":            func() string { return strconv.FormatInt(SettlingMS(1), 10) },
		"bouncingChannels": func() string { return schema.SQLArray(schema.Channels.Bouncing()) },
	}).ParseFS(files, "sql/*.sql"))
}

// Statements fills the SQL files of a folder that want nothing but the law, and returns what gives one by its name
// without ".sql". Like template.Must, both panic where there is none, or one cannot be filled: the files are part of
// the program.
func Statements(dir fs.FS, folder string) (statement func(name string) string) {
	t := template.Must(Template("").ParseFS(dir, folder+"/*.sql"))
	names, err := fs.Glob(dir, folder+"/*.sql")
	if err != nil {
		panic(err)
	}
	all := make(map[string]string, len(names))
	for _, name := range names {
		var text strings.Builder
		if err := t.ExecuteTemplate(&text, path.Base(name), nil); err != nil {
			panic(err)
		}
		all[strings.TrimSuffix(path.Base(name), ".sql")] = text.String()
	}
	return func(name string) string {
		text, found := all[name]
		if !found {
			panic("no statement " + name)
		}
		return text
	}
}

// SettlingMS is how long cohorts of a route take to settle: what it can report by then is final.
func SettlingMS(days uint16) int64 { return int64(days) * (24 * time.Hour).Milliseconds() }
