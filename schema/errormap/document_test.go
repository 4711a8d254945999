package errormap

import (
	"errors"
	"strings"
	"testing"

	"kaskad/schema/listfile"
)

// Whatever a file holds, it is refused by few problems or read, and a file of some length is no empty list.
func FuzzParse(f *testing.F) {
	f.Add([]byte("provider,code,class\n*,13,dnd\n"))
	f.Add([]byte("provider;code;class;like\r\n\"a\"\"b\";\"c\r\nd\";dnd;\nmts;;;map\n"))
	f.Add([]byte(`{"lines":[{"provider":"*","code":13,"class":null}],"aliases":[{"provider":"mts","like":"map"}]}`))
	f.Add([]byte("lines:\n- &a {provider: x, code: 1, class: dnd}\n- *a\n- <<: *a\naliases: []\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, read := range map[string]func([]byte) (Document, error){"JSON": ParseJSON, "YAML": ParseYAML,
			"CSV": ParseCSV} {
			d, err := read(body)
			var problems listfile.RowErrors
			if err != nil {
				if !errors.As(err, &problems) || len(problems) > listfile.MaxRowErrors || d.Lines != nil {
					t.Fatalf("%s of %q: %v", name, body, err)
				}
				continue
			}
			if len(d.Lines)+len(d.Aliases) == 0 && len(body) > 40 && strings.Count(string(body), "\n") > 1 &&
				strings.HasPrefix(string(body), "provider,code,class") {
				t.Fatalf("%s: %q is an empty list", name, body)
			}
		}
	})
}
