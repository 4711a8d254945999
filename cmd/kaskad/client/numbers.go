package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"kaskad/cmd/kaskad/output"
)

const (
	// numbersAtOnce is how many numbers a server checks in one request.
	numbersAtOnce = 10_000
	// followWait is how long one request waits for a change, in seconds.
	followWait = 30
	// followAgain is how long to wait before asking a server again that did not answer.
	followAgain = 2 * time.Second
)

type numbersCommand struct {
	Dead    numbersDead    `cmd:"" help:"List dead numbers with their evidence."`
	Check   numbersCheck   `cmd:"" help:"Say what is known of numbers, as before a mailing."`
	Export  numbersExport  `cmd:"" help:"Write all dead numbers to a file: CSV, NDJSON, XLSX or Arrow."`
	Changes numbersChanges `cmd:"" help:"Print what changed since last time, or follow it."`
	Erase   numbersErase   `cmd:"" help:"Erase a number from everything, for good."`
}

// Help shows how a CRM is kept clean.
func (numbersCommand) Help() string {
	return `A number is dead when its failures show that nobody can be reached there any more; docs/definitions.md
section 5 has the rules. All of these commands need a running kaskad: the one on --data, or the one at --url.

    kaskad numbers dead --account acme                          # the first hundred, with reasons and what they cost
    kaskad numbers dead --account acme --kind email             # e-mail addresses without a mailbox
    kaskad numbers check +79161234567 email:ann@example.com     # before you send
    kaskad numbers check --file mailing.txt > verdicts.csv      # one number a line; CSV when it is not a terminal
    kaskad numbers export dead.arrow --account acme             # all of them; .csv, .ndjson, .xlsx or .arrow
    kaskad numbers changes --account acme --place crm.cursor    # what is new since then; the file keeps the place
    kaskad numbers changes --account acme --follow              # and goes on, as verdicts change
    kaskad numbers erase +79161234567 --account acme --yes      # when a person asks to be forgotten`
}

// numbersServer says whose numbers are meant, and at which server.
type numbersServer struct {
	Account []string `help:"Account whose numbers they are; may be given several times, all accounts without it." placeholder:"NAME"`
	Kind    string   `help:"phone or email: whether phone numbers are meant, or e-mail addresses." enum:"phone,email" default:"phone" placeholder:"KIND"`
	ServerAddress
}

func (s numbersServer) query() url.Values {
	return url.Values{"account": slices.Clone(s.Account), "kind": {s.Kind}}
}

// numberLine is a row of the server's lists.
type numberLine struct {
	Account        string            `json:"account"`
	Number         string            `json:"number"`
	State          string            `json:"state"`
	Since          *string           `json:"since"`
	Rule           string            `json:"rule"`
	Reasons        map[string]uint32 `json:"reasons"`
	LastDelivered  *string           `json:"last_delivered_at"`
	FailedMailings uint32            `json:"failed_mailings"`
	FailedDays     uint32            `json:"failed_days"`
	WastedCost     *string           `json:"wasted_cost"`
	Currency       string            `json:"currency"`
	OptOuts        []struct {
		Kind, Channel string
	} `json:"opt_outs"`
	Error string `json:"error"`
}

// optOutsText prints what somebody has opted out of: kind and channel, once each.
func (l *numberLine) optOutsText() string {
	var all []string
	for _, o := range l.OptOuts {
		if text := o.Kind + " " + o.Channel; !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

type numbersDead struct {
	Rule  []string `help:"Only numbers that died by this rule: hard, soft, deactivated, invalid_format or override." placeholder:"RULE"`
	Limit int      `help:"How many to list; 0 is all." default:"100"`
	CSV   bool     `name:"csv" help:"Print CSV also on a terminal."`
	numbersServer
}

func (c *numbersDead) Run(ctx context.Context) error {
	if c.Limit < 0 {
		return errors.New("--limit: must be 0 or more")
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	out := newLines(os.Stdout, c.CSV, "NUMBER", "ACCOUNT", "DEAD SINCE", "RULE", "REASONS", "MAILINGS", "DAYS",
		"WASTED", "LAST DELIVERED")
	q := c.query()
	q["rule"] = c.Rule
	for {
		left := c.Limit - out.rows
		if c.Limit == 0 {
			left = numbersAtOnce
		}
		q.Set("limit", strconv.Itoa(min(left, numbersAtOnce)))
		var page struct {
			Rows       []numberLine `json:"rows"`
			NextCursor *string      `json:"next_cursor"`
		}
		if err := server.read(ctx, http.MethodGet, "/v1/numbers/dead?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		for _, r := range page.Rows {
			wasted := ""
			if r.WastedCost != nil {
				wasted = strings.TrimSpace(*r.WastedCost + " " + r.Currency)
			}
			out.row(r.Number, r.Account, shortTime(r.Since), r.Rule, reasonsText(r.Reasons),
				strconv.Itoa(int(r.FailedMailings)), strconv.Itoa(int(r.FailedDays)), wasted,
				shortTime(r.LastDelivered))
		}
		if page.NextCursor == nil || out.rows == c.Limit {
			if page.NextCursor != nil {
				fmt.Fprintf(os.Stderr, "there are more than these %d: say --limit, or export them\n", c.Limit)
			}
			return out.end()
		}
		q.Set("cursor", *page.NextCursor)
	}
}

type numbersCheck struct {
	Numbers []string `arg:"" optional:"" name:"number" help:"Numbers, with + and country code, or email:user@example.com; without any they are read from --file, or standard input."`
	File    string   `help:"File with one number a line; - is standard input." placeholder:"FILE"`
	CSV     bool     `name:"csv" help:"Print CSV also on a terminal."`
	Account string   `help:"Account whose verdicts are meant; needed when several have numbers." placeholder:"NAME"`
	ServerAddress
}

func (c *numbersCheck) Run(ctx context.Context) error {
	numbers := c.Numbers
	if len(numbers) > 0 && c.File != "" {
		return errors.New("give numbers, or --file, not both")
	}
	if len(numbers) == 0 {
		var err error
		if numbers, err = readNumbers(c.File, os.Stdin); err != nil {
			return err
		}
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	path := "/v1/numbers/check"
	if c.Account != "" {
		path += "?" + url.Values{"account": {c.Account}}.Encode()
	}
	out := newLines(os.Stdout, c.CSV, "NUMBER", "STATE", "RULE", "SINCE", "OPT OUTS", "ERROR")
	for part := range slices.Chunk(numbers, numbersAtOnce) {
		body, err := json.Marshal(map[string][]string{"numbers": part})
		if err != nil {
			return fmt.Errorf("ask about numbers: %w", err)
		}
		var answer struct {
			Rows []numberLine `json:"rows"`
		}
		if err := server.read(ctx, http.MethodPost, path, body, &answer); err != nil {
			return err
		}
		for _, r := range answer.Rows {
			out.row(r.Number, r.State, r.Rule, shortTime(r.Since), r.optOutsText(), r.Error)
		}
	}
	return out.end()
}

// readNumbers reads one number a line. Empty lines, and spaces around a number, are nothing.
func readNumbers(name string, in io.Reader) (numbers []string, err error) {
	if name != "" && name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read numbers: %w", err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if number := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); number != "" {
			numbers = append(numbers, number)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read numbers: %w: the file must have one number a line", err)
	}
	return numbers, nil
}

type numbersExport struct {
	File   string   `arg:"" optional:"" default:"-" help:"File to write, .csv, .ndjson, .xlsx or .arrow; standard output (CSV, or --format) without it."`
	Format string   `help:"Form of the file: csv, ndjson, xlsx or arrow; by default what its name ends with." enum:",csv,ndjson,xlsx,arrow" default:"" placeholder:"FORM"`
	Rule   []string `help:"Only numbers that died by this rule: hard, soft, deactivated, invalid_format or override." placeholder:"RULE"`
	numbersServer
}

// form is that of the flag, else of the file's name.
func (c *numbersExport) form() (string, error) {
	if c.Format != "" {
		return c.Format, nil
	}
	if c.File == "-" {
		return "csv", nil
	}
	form := strings.TrimPrefix(strings.ToLower(filepath.Ext(c.File)), ".")
	switch form {
	case "csv", "ndjson", "xlsx", "arrow":
		return form, nil
	case "jsonl":
		return "ndjson", nil
	case "arrows":
		return "arrow", nil
	}
	return "", fmt.Errorf("%s: the name does not end with .csv, .ndjson, .xlsx or .arrow: say --format", c.File)
}

func (c *numbersExport) Run(ctx context.Context) error {
	form, err := c.form()
	if err != nil {
		return err
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	q := c.query()
	q["rule"] = c.Rule
	q.Set("limit", "all")
	q.Set("format", form)
	bar := byteBar("dead numbers")
	err = output.WriteFile(c.File, func(w io.Writer) error {
		return server.stream(ctx, "/v1/numbers/dead?"+q.Encode(), io.MultiWriter(w, bar))
	})
	if err != nil {
		_ = bar.Exit()
		return err
	}
	_ = bar.Finish()
	if c.File != "-" {
		fmt.Printf("wrote %s\n", c.File)
	}
	return nil
}

// byteBar counts bytes whose number nobody knows beforehand, on a terminal and nowhere else.
func byteBar(what string) *progressbar.ProgressBar {
	var out io.Writer = os.Stderr
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		out = io.Discard
	}
	return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

type numbersChanges struct {
	To     []string `help:"Only changes to this state: dead, revived, active, suspect, quarantined or unknown." placeholder:"STATE"`
	Place  string   `help:"File that keeps the place in the feed: printed is what came after it. It is written after the changes are, so a crash prints some again and loses none." placeholder:"FILE"`
	Follow bool     `help:"Go on, and print changes as they come."`
	numbersServer
}

func (c *numbersChanges) Run(ctx context.Context) error {
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	q := c.query()
	q["to"] = c.To
	q.Set("limit", strconv.Itoa(numbersAtOnce))
	if c.Place != "" {
		place, err := os.ReadFile(c.Place)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read the place in the feed: %w", err)
		}
		if cursor := strings.TrimSpace(string(place)); cursor != "" {
			q.Set("cursor", cursor)
		}
	}
	if c.Follow {
		q.Set("wait", strconv.Itoa(followWait))
	}
	for {
		var page struct {
			Rows       []json.RawMessage `json:"rows"`
			NextCursor string            `json:"next_cursor"`
		}
		if err := server.read(ctx, http.MethodGet, "/v1/numbers/changes?"+q.Encode(), nil, &page); err != nil {
			// Ask a server again that restarts or is busy; what it refused it would refuse again.
			if !c.Follow || ctx.Err() != nil || refused(err) {
				return err
			}
			fmt.Fprintf(os.Stderr, "%s does not answer; trying again\n", server.address)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(followAgain):
			}
			continue
		}
		if err := printChanges(os.Stdout, page.Rows); err != nil {
			return err
		}
		q.Set("cursor", page.NextCursor)
		if c.Place != "" {
			err := output.WriteFile(c.Place, func(w io.Writer) error {
				_, err := io.WriteString(w, page.NextCursor+"\n")
				return err
			})
			if err != nil {
				return fmt.Errorf("keep the place in the feed: %w", err)
			}
		}
		if len(page.Rows) < numbersAtOnce && !c.Follow {
			return nil
		}
	}
}

// printChanges writes a line for each change: to read on a terminal, JSON elsewhere.
func printChanges(out *os.File, rows []json.RawMessage) error {
	var all bytes.Buffer
	readable := term.IsTerminal(int(out.Fd()))
	for _, row := range rows {
		if !readable {
			all.Write(append(row, '\n'))
			continue
		}
		var r struct{ At, Account, Number, From, To, Rule string }
		if err := json.Unmarshal(row, &r); err != nil {
			return fmt.Errorf("read a change: %w", err)
		}
		fmt.Fprintf(&all, "%s  %s  %s  %s → %s  %s\n", shortTime(&r.At), r.Account, r.Number, r.From, r.To, r.Rule)
	}
	if _, err := out.Write(all.Bytes()); err != nil {
		return fmt.Errorf("print changes: %w", err)
	}
	return nil
}

// read decodes the JSON of a 200.
func (a *API) read(ctx context.Context, method, path string, body []byte, to any) error {
	answer, err := a.Send(ctx, method, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, to); err != nil {
		return fmt.Errorf("read the answer of %s: %w", a.address, err)
	}
	return nil
}

// lines prints rows: as a table on a terminal, as CSV elsewhere.
type lines struct {
	table *tabwriter.Writer
	csv   *csv.Writer
	rows  int
	err   error
}

func newLines(out *os.File, asCSV bool, names ...string) *lines {
	l := &lines{}
	if asCSV || !term.IsTerminal(int(out.Fd())) {
		l.csv = csv.NewWriter(out)
		for i, name := range names {
			names[i] = strings.ReplaceAll(strings.ToLower(name), " ", "_")
		}
	} else {
		l.table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	}
	l.write(names)
	return l
}

func (l *lines) row(cells ...string) {
	l.rows++
	l.write(cells)
}

func (l *lines) write(cells []string) {
	if l.csv != nil {
		l.err = cmp.Or(l.err, l.csv.Write(cells))
		return
	}
	_, err := fmt.Fprintln(l.table, strings.Join(cells, "\t"))
	l.err = cmp.Or(l.err, err)
}

func (l *lines) end() error {
	if l.csv != nil {
		l.csv.Flush()
		return cmp.Or(l.err, l.csv.Error())
	}
	return cmp.Or(l.err, l.table.Flush())
}

// shortTime prints a time of the server without its fraction, "" for none.
func shortTime(t *string) string {
	if t == nil {
		return ""
	}
	at, err := time.Parse(time.RFC3339Nano, *t)
	if err != nil {
		return *t
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// reasonsText prints reasons with their counts, the most frequent first.
func reasonsText(reasons map[string]uint32) string {
	names := make([]string, 0, len(reasons))
	for name := range reasons {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]),
			strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s ×%d", name, reasons[name])
	}
	return strings.Join(names, ", ")
}
