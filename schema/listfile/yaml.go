package listfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ReadYAML reads a document `<name>:` with a list of mappings. It takes the text of a value as it was written, whatever
// type YAML sees in it: the sender 0123 keeps its zero, the price 2.10 its digits.
func ReadYAML(body []byte, l *Spec, p *Problems) []Row {
	body, ok := readText(body, p)
	if !ok {
		return nil
	}
	if !checkYAML(body, p) {
		return nil
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	err := decoder.Decode(&document)
	if err == nil {
		if err = decoder.Decode(&second); err == nil {
			p.Add(0, second.Line, "", "is a second document: put all rows into one")
			return nil
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		p.Add(0, yamlLine(err), "", "is not YAML: "+strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	r := yamlReader{list: l, problems: p}
	if len(document.Content) == 0 {
		r.wantList(1)
		return nil
	}
	return r.document(document.Content[0])
}

// checkYAML refuses a document of more nodes than its library has room for. Nodes are set off by these signs, so there
// are hardly more of them. What stands in texts is counted too.
func checkYAML(body []byte, p *Problems) bool {
	nodes := 0
	for i, b := range body {
		switch b {
		case '\n', ',', '[', '{':
		case ':':
			if i+1 < len(body) && i > 0 && isWordByte(body[i-1]) && isWordByte(body[i+1]) {
				continue // within a word, as in a time
			}
		case '-', '?':
			if i+1 < len(body) && body[i+1] != ' ' && body[i+1] != '\t' && body[i+1] != '\n' && body[i+1] != '\r' {
				continue
			}
		default:
			continue
		}
		if nodes++; nodes > MaxNodes {
			p.Add(0, lineAt(body, i), "",
				fmt.Sprintf("has more than %d keys and values, more than YAML is good for: send it as CSV", MaxNodes))
			return false
		}
	}
	return true
}

func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// yamlLine returns the line that an error of the YAML library names.
func yamlLine(err error) (line int) {
	if _, rest, found := strings.Cut(err.Error(), "line "); found {
		_, _ = fmt.Sscanf(rest, "%d", &line) // without a number there the line stays unknown
	}
	return line
}

type yamlReader struct {
	list     *Spec
	problems *Problems
}

func (r *yamlReader) wantList(line int) {
	r.problems.Add(0, line, r.list.Name,
		fmt.Sprintf("is required: the file is `%s:` and a list of rows; `%s: []` removes all rows", r.list.Name,
			r.list.Name))
}

func (r *yamlReader) document(top *yaml.Node) (rows []Row) {
	if top.Kind != yaml.MappingNode {
		r.wantList(top.Line)
		return nil
	}
	found := false
	for i := 0; i+1 < len(top.Content); i += 2 {
		name, content := top.Content[i], top.Content[i+1]
		switch {
		case i == 2*maxFields:
			r.problems.Add(0, name.Line, "", tooManyFields("fields"))
			return rows
		case slices.Contains(r.list.Beside, name.Value):
		case name.Value != r.list.Name:
			r.problems.Add(0, name.Line, Shorten(name.Value),
				fmt.Sprintf(`is unknown beside %q: leave it out`, r.list.Name))
		case found:
			r.problems.Add(0, name.Line, name.Value, "is there twice: put all rows into one list")
		default:
			found = true
			rows = append([]Row{}, r.rows(content)...)
		}
	}
	if !found && !r.list.Optional {
		r.wantList(top.Line)
	}
	return rows
}

func (r *yamlReader) rows(content *yaml.Node) (rows []Row) {
	if content.Kind != yaml.SequenceNode {
		r.problems.Add(0, content.Line, r.list.Name, "must be a list of rows, each with a dash")
		return nil
	}
	for i, item := range content.Content {
		if i == r.list.Limit {
			r.problems.Add(0, item.Line, r.list.Name, TooMany(r.list))
			break
		}
		if item.Kind != yaml.MappingNode {
			r.problems.Add(i+1, item.Line, "",
				"must be fields with values, such as `channel: sms`; anchors are not for rows")
			continue
		}
		rows = append(rows, r.row(i+1, item))
	}
	return rows
}

func (r *yamlReader) row(number int, item *yaml.Node) Row {
	out := newRow(number, item.Line, r.list, r.problems)
	var seen uint32
	for i := 0; i+1 < len(item.Content); i += 2 {
		name, content := item.Content[i], item.Content[i+1]
		if i == 2*maxFields {
			r.problems.Add(number, name.Line, "", tooManyFields("fields"))
			break
		}
		v := Value{Kind: Other, line: name.Line}
		if content.Kind == yaml.AliasNode {
			content = content.Alias
		}
		if content.Kind == yaml.ScalarNode {
			switch content.ShortTag() {
			case "!!null":
				v.Kind = Absent
			case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
				v.Kind, v.Text = textual, content.Value
			}
		}
		out.set(name.Value, v, &seen)
	}
	return out
}

// WriteYAML writes what ReadYAML reads.
func WriteYAML(name string, rows any) ([]byte, error) {
	return WriteYAMLDocument(name, map[string]any{name: rows})
}

// WriteYAMLDocument writes a document of several fields; name stands in its error.
func WriteYAMLDocument(name string, document any) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("write %s as YAML: %w", name, err)
	}
	return out.Bytes(), nil
}
