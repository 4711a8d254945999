package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"kaskad/cmd/kaskad/output"
	"kaskad/money"
	"kaskad/schema/listfile"
)

// listKind is a kind of reference data: lists of an account that files hold and a server keeps in versions.
type listKind struct {
	// name is the route's last part; noun is what the rows are called.
	name, noun string
	// lists are the fields that hold rows, in JSON and YAML.
	lists []string
	// setting is a text beside the lists, "" for none. A file whose form has no place for it leaves the account's as it
	// is.
	setting string
	// keys tell one row from another; a row whose other fields differ has changed.
	keys []string
	// read reads a file of a form and returns its lists as the server takes and shows them. listfile.RowErrors lists
	// what is wrong.
	read func(form string, body []byte) ([]byte, error)
	// own picks the account's lists from what the server shows, and write prints them in another form than JSON. Where
	// the server shows nothing but what the account has put they are nil, and the server prints.
	own   func(shown []byte) ([]byte, error)
	write func(form string, lists []byte) ([]byte, error)
}

// rows returns the rows of all lists of a document.
func (k listKind) rows(document []byte) (all []listfile.Record, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return nil, fmt.Errorf("read %s: %w", k.name, err)
	}
	for _, name := range k.lists {
		rows, err := listfile.ReadRecords(members[name])
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// settingOf returns the text beside the lists of a document, false where the document does not say it.
func (k listKind) settingOf(document []byte) (text string, said bool, err error) {
	if k.setting == "" {
		return "", false, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return "", false, fmt.Errorf("read %s: %w", k.name, err)
	}
	if members[k.setting] == nil {
		return "", false, nil
	}
	if err := json.Unmarshal(members[k.setting], &text); err != nil {
		return "", false, fmt.Errorf("read %s: %w", k.setting, err)
	}
	return text, true, nil
}

// withSetting puts a text beside the lists of a document.
func (k listKind) withSetting(document []byte, text string) ([]byte, error) {
	var members map[string]json.RawMessage
	err := json.Unmarshal(document, &members)
	if err == nil {
		members[k.setting], err = json.Marshal(text)
	}
	if err == nil {
		document, err = json.Marshal(members)
	}
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", k.setting, err)
	}
	return document, nil
}

type tariffsCommand struct {
	listCommands `embed:""`
}

type templatesCommand struct {
	listCommands `embed:""`
}

// listCommands are the same for every kind of list.
type listCommands struct {
	Import listImport `cmd:"" help:"Replace an account's list by that of a file; says first what changes."`
	Export listExport `cmd:"" help:"Write an account's list to a file, as import takes it."`
	Check  listCheck  `cmd:"" help:"Check a file without any server and list everything that is wrong, as FILE:LINE: field: reason."`
}

// Help shows how a price list is kept.
func (tariffsCommand) Help() string {
	return `Keep the price list of each account in a file, YAML, CSV or JSON:

    billing_zone: Europe/Moscow   # in which providers close the month; UTC without it
    tariffs:
      - channel: sms
        valid_from: "2026-01-01T00:00:00Z"
        currency: RUB
        billing: per_segment_sent
        price: "2.00"

    kaskad tariffs check prices.yaml
    kaskad tariffs import prices.yaml --account acme --dry-run
    kaskad tariffs import prices.yaml --account acme

docs/tariffs.example.yaml has every kind of row and says what it means. A file with anything wrong in it changes
nothing. Reports use the prices that were valid when a message was sent; a corrected list corrects them at once. Old
versions stay: see export --at-version.`
}

// Help shows how templates are kept.
func (templatesCommand) Help() string {
	return `Reports need the segments of a template where neither the events nor the provider tell them:

    templates:
      - template: order
        sms_text: "Заказ 1234567 собран и ждёт вас"
        valid_from: "2026-01-01T00:00:00Z"

    kaskad templates check templates.yaml
    kaskad templates import templates.yaml --account acme

A text is measured on this machine and sent nowhere; write sms_segments: 2 instead if you know it.
docs/templates.example.yaml has more.`
}

// AfterApply tells the chosen command which kind of list it works with.
func (tariffsCommand) AfterApply(c *kong.Context) error {
	kind := listKind{name: "tariffs", noun: "tariffs", lists: []string{"tariffs"}, setting: money.BillingZoneField,
		keys: money.TariffKeys()}
	rows := listOf("tariffs", map[string]func([]byte) ([]money.Tariff, error){"json": money.ParseTariffsJSON,
		"yaml": money.ParseTariffsYAML,
		"csv":  money.ParseTariffsCSV})
	kind.read = func(form string, body []byte) ([]byte, error) {
		document, err := rows(form, body)
		zone, said, zoneErr := billingZone(form, body)
		var wrong, also listfile.RowErrors
		if errors.As(err, &wrong) && errors.As(zoneErr, &also) {
			return nil, slices.Concat(wrong, also)
		}
		if err == nil {
			err = zoneErr
		}
		if err != nil || !said {
			return document, err
		}
		return kind.withSetting(document, zone)
	}
	c.Bind(kind)
	return nil
}

// billingZone reads the zone of a file of tariffs. A CSV has no place for it.
func billingZone(form string, body []byte) (zone string, said bool, err error) {
	switch form {
	case "json":
		zone, err = money.BillingZoneJSON(body)
	case "yaml":
		zone, err = money.BillingZoneYAML(body)
	default:
		return "", false, nil
	}
	return cmp.Or(zone, "UTC"), true, err
}

// AfterApply tells the chosen command which kind of list it works with.
func (templatesCommand) AfterApply(c *kong.Context) error {
	c.Bind(listKind{name: "templates", noun: "templates", lists: []string{"templates"},
		keys: money.TemplateKeys(),
		read: listOf("templates", map[string]func([]byte) ([]money.Template, error){"json": money.ParseTemplatesJSON,
			"yaml": money.ParseTemplatesYAML, "csv": money.ParseTemplatesCSV})})
	return nil
}

// listOf reads files that hold one list.
func listOf[T any](name string, parse map[string]func([]byte) ([]T, error)) func(string, []byte) ([]byte, error) {
	return func(form string, body []byte) ([]byte, error) {
		list, err := parse[form](body)
		if err != nil {
			return nil, err
		}
		return json.Marshal(map[string][]T{name: append([]T{}, list...)})
	}
}

// listFile is a file of a list.
type listFile struct {
	Format string `help:"Form of the file: yaml, csv or json; by default what its name ends with." enum:",yaml,csv,json" default:"" placeholder:"FORM"`
}

// form is that of the flag, else of the file's name.
func (f listFile) form(name string) (string, error) {
	if f.Format != "" {
		return f.Format, nil
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return "yaml", nil
	case ".csv":
		return "csv", nil
	case ".json":
		return "json", nil
	}
	return "", fmt.Errorf("%s: the name does not end with .yaml, .csv or .json: say --format", name)
}

// read returns the lists of a file as JSON. Problems of rows are printed to out, one a line, and counted by the error.
func (f listFile) read(kind listKind, name string, out io.Writer) ([]byte, error) {
	form, err := f.form(name)
	if err != nil {
		return nil, err
	}
	var body []byte
	if name == "-" {
		body, err = io.ReadAll(os.Stdin)
	} else {
		body, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kind.name, err)
	}
	lists, err := kind.read(form, body)
	var wrong listfile.RowErrors
	if !errors.As(err, &wrong) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return lists, nil
	}
	// In the order of the file; a problem without a place, such as that there are more, comes last.
	slices.SortStableFunc(wrong, func(a,
		b listfile.RowError) int {
		return cmp.Compare(uint(a.Line-1), uint(b.Line-1))
	})
	for _, w := range wrong {
		fmt.Fprintln(out, place(name, w)+": "+w.Reason)
	}
	if len(wrong) == 1 {
		return nil, fmt.Errorf("%s: 1 problem", name)
	}
	return nil, fmt.Errorf("%s: %d problems", name, len(wrong))
}

// place says where a problem is, in the way that editors and CI understand.
func place(name string, e listfile.RowError) string {
	switch {
	case e.Line > 0:
		name = fmt.Sprintf("%s:%d", name, e.Line)
	case e.Row > 0:
		name = fmt.Sprintf("%s: row %d", name, e.Row)
	}
	if e.Field != "" {
		name += ": " + e.Field
	}
	return name
}

type listCheck struct {
	File string `arg:"" help:"YAML, CSV or JSON by the end of its name; - is standard input, with --format."`
	listFile
}

func (c *listCheck) Run(kind listKind) error {
	lists, err := c.read(kind, c.File, os.Stdout)
	if err != nil {
		return err
	}
	rows, err := kind.rows(lists)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d %s, nothing wrong\n", c.File, len(rows), kind.noun)
	return nil
}

type listImport struct {
	File   string `arg:"" help:"YAML, CSV or JSON by the end of its name; - is standard input, with --format."`
	DryRun bool   `help:"Only say what would change, and change nothing."`
	listFile
	listServer
}

func (c *listImport) Run(ctx context.Context, kind listKind) error {
	lists, err := c.read(kind, c.File, os.Stdout)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	rows, err := kind.rows(lists)
	if err != nil {
		return err
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	old, err := server.list(ctx, kind, c.Account, 0)
	if err != nil {
		return err
	}
	was, _, err := kind.settingOf(old.lists)
	if err != nil {
		return err
	}
	now, said, err := kind.settingOf(lists)
	if err == nil && !said && kind.setting != "" {
		now = was
		lists, err = kind.withSetting(lists, was)
	}
	if err != nil {
		return err
	}
	difference := listfile.Compare(kind.keys, old.rows, rows)
	printDifference(os.Stdout, difference)
	if was != now {
		fmt.Printf("~ %s: %s → %s\n", kind.setting, was, now)
	}
	fmt.Printf("%s of %s: %s\n", kind.name, c.Account, difference)
	switch {
	case c.DryRun:
		fmt.Printf("version %d stays (--dry-run)\n", old.Version)
		return nil
	case difference.Empty() && was == now && old.Version > 0:
		fmt.Printf("version %d stays\n", old.Version)
		return nil
	}
	// The list replaces the version that it was compared with, and no other.
	version, err := server.put(ctx, kind, c.Account, lists, old.Version)
	if err != nil {
		return err
	}
	fmt.Printf("version %d → %d\n", old.Version, version)
	return nil
}

type listExport struct {
	File      string `arg:"" optional:"" default:"-" help:"File to write, YAML, CSV or JSON by the end of its name; standard output (YAML, or --format) without it."`
	AtVersion uint64 `help:"The list as it was at this version, such as a report's tariff_version; 0 is the newest." default:"0"`
	listFile
	listServer
}

func (c *listExport) Run(ctx context.Context, kind listKind) error {
	form := "yaml"
	if c.File != "-" || c.Format != "" {
		var err error
		if form, err = c.form(c.File); err != nil {
			return err
		}
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	body, list, err := server.export(ctx, kind, c.Account, form, c.AtVersion)
	if err != nil {
		return err
	}
	if list.Version == 0 {
		return fmt.Errorf("account %q has no %s", c.Account, kind.name)
	}
	err = output.WriteFile(c.File, func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
	if err == nil && c.File != "-" {
		fmt.Printf("wrote %s of %s, version %d, to %s\n", kind.name, c.Account, list.Version, c.File)
	}
	return err
}
