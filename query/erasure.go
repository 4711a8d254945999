package query

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/gin-gonic/gin"

	"kaskad/schema/erasure"
)

//go:embed erasure_accounts.sql
var erasureAccountsSQL string

// eraseTime bounds an erasure. It rewrites all parts that hold the number, one after another, so it takes as long as
// reading and writing a large part of the database does, which is far longer than any query may.
const eraseTime = 30 * time.Minute

// erasureAnswer is what DELETE /v1/numbers/{number} answers. It does not hold the number, so that it can be filed.
type erasureAnswer struct {
	Account string  `json:"account"`
	Hash    string  `json:"hash"`
	At      string  `json:"at"`
	DoneAt  *string `json:"done_at"`
	// Rows says how many rows of each table were overwritten or deleted now.
	Rows map[string]uint64 `json:"rows"`
	// Detail tells that there was nothing to do.
	Detail string `json:"detail,omitempty"`
}

// eraseNumber serves DELETE /v1/numbers/{number}: everything about the number is overwritten or deleted when it
// answers. Again, it finds nothing to do.
func (s *Server) eraseNumber(c *gin.Context) error {
	p, err := readParams(c.Request, []string{"account"})
	if err != nil {
		return err
	}
	number := p.erasable(c.Param("number"))
	account, given := p.one("account")
	if given && (account == "" || !utf8.ValidString(account)) {
		p.fail("account", "must be the name of an account, in UTF-8")
	}
	if err := p.err(); err != nil {
		return err
	}
	if s.config.ErasureKey == nil {
		return problem(http.StatusServiceUnavailable, "no-erasure-key",
			"numbers can be erased only where there is a key to recognise them by when they arrive again: "+
				"set --erasure-key or KASKAD_ERASURE_KEY to 64 hexadecimal digits, the same for every role")
	}
	if !s.erasing.TryLock() {
		return problem(http.StatusServiceUnavailable, "busy", "another number is being erased; try again").after(5)
	}
	defer s.erasing.Unlock()
	// From here on it does not matter whether the caller still waits, and the time that a connection has for an answer
	// is ours to set.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), eraseTime)
	defer cancel()
	connection := http.NewResponseController(c.Writer)
	_ = connection.SetReadDeadline(time.Now().Add(eraseTime + writeTimeout)) // not every writer has deadlines
	_ = connection.SetWriteDeadline(time.Now().Add(eraseTime + writeTimeout))
	if !given {
		if account, err = s.erasureAccount(ctx, number); err != nil {
			return err
		}
	}
	asked, err := erasure.Request(ctx, s.deps.Conn, s.config.ErasureKey, account, number, s.author(c), s.config.Now())
	if errors.Is(err, erasure.ErrOtherKey) {
		return problem(http.StatusServiceUnavailable, "other-erasure-key", err.Error()).because(err)
	}
	if err != nil {
		return err
	}
	rows, err := erasure.EraseNumber(ctx, s.deps.Conn, account, number, asked.Pseudonym)
	if err != nil {
		return problem(http.StatusServiceUnavailable, "erasure-unfinished",
			"the number is not erased everywhere yet; send the request again, it goes on where this one ended").
			after(10).because(err)
	}
	if asked, err = erasure.Finish(ctx, s.deps.Conn, asked, s.config.Now()); err != nil {
		return err
	}
	s.logger.Info("number erased", "account", account, "hash", asked.Hash)
	done := timeText(asked.DoneMS)
	answer := erasureAnswer{Account: account, Hash: asked.Hash, At: timeText(asked.AskedMS), DoneAt: &done, Rows: rows}
	if len(rows) == 0 {
		answer.Detail = "nothing was stored about this number in this account, or it was erased before: check number " +
			"and account"
	}
	c.PureJSON(http.StatusOK, answer)
	return nil
}

// erasable reads the number of the path. It must be as it is stored, + included: a number that was meant otherwise
// would be reported as erased.
func (p *params) erasable(number string) string {
	if wrong := numberProblem(number); wrong != "" {
		p.fail("number", encodedHint(number, wrong))
	}
	return number
}

// erasureAccount finds the one account that knows a number, or knew it until it was erased.
func (s *Server) erasureAccount(ctx context.Context, number string) (string, error) {
	wanted, err := ext.NewTable("wanted", ext.Column("number", "String"))
	if err != nil {
		return "", err
	}
	if err := wanted.Append(number); err != nil {
		return "", fmt.Errorf("look for the account of a number: %w", err)
	}
	accounts, err := erasure.ErasedFor(ctx, s.deps.Conn, s.config.ErasureKey, number)
	if err != nil {
		return "", err
	}
	rows, err := s.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), erasureAccountsSQL)
	if err != nil {
		return "", fmt.Errorf("look for the account of a number: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		if err := rows.Scan(&account); err != nil {
			return "", fmt.Errorf("look for the account of a number: %w", err)
		}
		accounts = append(accounts, account)
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("look for the account of a number: %w", err)
	}
	slices.Sort(accounts)
	switch accounts = slices.Compact(accounts); len(accounts) {
	case 1:
		return accounts[0], nil
	case 0:
		return "", badParameter("account",
			"is required: nothing is known of the number, so say for which account it is to be erased when it "+
				"arrives: account=…")
	}
	return "", badParameter("account", fmt.Sprintf("is required: %d accounts know the number, and each erases its "+
		"own: account=…", len(accounts)))
}

// erasures serves GET /v1/erasures: which numbers were erased, by their hashes.
func (s *Server) erasures(c *gin.Context) error {
	p, err := readParams(c.Request, []string{"account", "limit", "cursor", "format", "bom"})
	if err != nil {
		return err
	}
	account, given := p.one("account")
	if given && (account == "" || !utf8.ValidString(account)) {
		p.fail("account", "must be the name of an account, in UTF-8")
	}
	limit, format := p.limit(), p.format(c.Request)
	hash := queryHash("erasures", account)
	var afterAccount, afterHash string
	if at := s.cursor(c.Request.Context(), p, hash, 2); at != nil {
		afterAccount, afterHash = string(at.After[0]), string(at.After[1])
	}
	if err := p.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.config.QueryTime)
	defer cancel()
	list, err := erasure.Read(s.settings(ctx), s.deps.Conn, account, afterAccount, afterHash, limit+1)
	if err != nil {
		return err
	}
	next := null
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		encoded, err := s.seal(c.Request.Context(),
			cursor{Query: hash, After: [][]byte{[]byte(last.Account), []byte(last.Hash)}})
		if err != nil {
			return err
		}
		next = text(encoded)
	}
	t := newTable(format, []string{"account", "hash", "at", "done_at", "by"})
	for _, e := range list {
		done := null
		if e.DoneMS > 0 {
			done = instant(e.DoneMS)
		}
		t.row([]value{text(e.Account), text(e.Hash), instant(e.AskedMS), done, text(e.By)})
	}
	t.send(c, nil, next)
	return nil
}
