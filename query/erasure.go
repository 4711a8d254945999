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

	"kaskad/query/answer"
	"kaskad/schema/erasure"
)

//go:embed sql/erasure_accounts.sql
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
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	number := erasable(p, c.Param("number"))
	account, given := p.One("account")
	if given && (account == "" || !utf8.ValidString(account)) {
		p.Fail("account", "must be the name of an account, in UTF-8")
	}
	if err := p.Err(); err != nil {
		return err
	}
	if s.config.ErasureKey == nil {
		return answer.NewProblem(http.StatusServiceUnavailable, "no-erasure-key",
			"numbers can be erased only where there is a key to recognise them by when they arrive again: "+
				"set --erasure-key or KASKAD_ERASURE_KEY to 64 hexadecimal digits, the same for every role")
	}
	if !s.erasing.TryLock() {
		return answer.NewProblem(http.StatusServiceUnavailable, "busy",
			"another number is being erased; try again").After(5)
	}
	defer s.erasing.Unlock()
	// From here on it does not matter whether the caller still waits, and the time that a connection has for an answer
	// is ours to set.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), eraseTime)
	defer cancel()
	connection := http.NewResponseController(c.Writer)
	_ = connection.SetReadDeadline(time.Now().Add(eraseTime + answer.WriteTimeout)) // not every writer has deadlines
	_ = connection.SetWriteDeadline(time.Now().Add(eraseTime + answer.WriteTimeout))
	if !given {
		if account, err = s.erasureAccount(ctx, number); err != nil {
			return err
		}
	}
	asked, err := erasure.Request(ctx, s.db.Conn, s.config.ErasureKey, account, number, s.gate.Author(c), s.db.Now())
	if errors.Is(err, erasure.ErrOtherKey) {
		return answer.NewProblem(http.StatusServiceUnavailable, "other-erasure-key", err.Error()).Because(err)
	}
	if err != nil {
		return err
	}
	rows, err := erasure.EraseNumber(ctx, s.db.Conn, account, number, asked.Pseudonym)
	if err != nil {
		return answer.NewProblem(http.StatusServiceUnavailable, "erasure-unfinished",
			"the number is not erased everywhere yet; send the request again, it goes on where this one ended").
			After(10).Because(err)
	}
	if asked, err = erasure.Finish(ctx, s.db.Conn, asked, s.db.Now()); err != nil {
		return err
	}
	s.logger.Info("number erased", "account", account, "hash", asked.Hash)
	done := answer.TimeText(asked.DoneMS)
	reply := erasureAnswer{Account: account, Hash: asked.Hash, At: answer.TimeText(asked.AskedMS), DoneAt: &done,
		Rows: rows}
	if len(rows) == 0 {
		reply.Detail = "nothing was stored about this number in this account, or it was erased before: check number " +
			"and account"
	}
	c.PureJSON(http.StatusOK, reply)
	return nil
}

// erasable reads the number of the path. It must be as it is stored, + included: a number that was meant otherwise
// would be reported as erased.
func erasable(p *answer.Params, number string) string {
	if wrong := answer.NumberProblem(number); wrong != "" {
		p.Fail("number", answer.EncodedHint(number, wrong))
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
	accounts, err := erasure.ErasedFor(ctx, s.db.Conn, s.config.ErasureKey, number)
	if err != nil {
		return "", err
	}
	rows, err := s.db.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), erasureAccountsSQL)
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
		return "", answer.BadParameter("account",
			"is required: nothing is known of the number, so say for which account it is to be erased when it "+
				"arrives: account=…")
	}
	return "", answer.BadParameter("account",
		fmt.Sprintf("is required: %d accounts know the number, and each erases its "+
			"own: account=…", len(accounts)))
}

// erasures serves GET /v1/erasures: which numbers were erased, by their hashes.
func (s *Server) erasures(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	account, given := p.One("account")
	if given && (account == "" || !utf8.ValidString(account)) {
		p.Fail("account", "must be the name of an account, in UTF-8")
	}
	limit, format := p.Limit(), p.Format(c.Request)
	hash := answer.QueryHash("erasures", account)
	var afterAccount, afterHash string
	if at := s.db.Cursors.Read(c.Request.Context(), p, hash, 2); at != nil {
		afterAccount, afterHash = string(at.After[0]), string(at.After[1])
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	list, err := erasure.Read(s.db.Settings(ctx), s.db.Conn, account, afterAccount, afterHash, limit+1)
	if err != nil {
		return err
	}
	var next *answer.Cursor
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = &answer.Cursor{Query: hash, After: [][]byte{[]byte(last.Account), []byte(last.Hash)}}
	}
	t := answer.NewList(format, erasureColumns)
	for _, e := range list {
		t.Add([]answer.Value{answer.Text(e.Account), answer.Text(e.Hash), answer.Moment(e.AskedMS),
			answer.Moment(e.DoneMS), answer.Text(e.By)})
	}
	return t.SendPage(c, nil, s.db.Cursors, next)
}
