package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// eraseTimeout is longer than the server takes for one number at most.
	eraseTimeout = 40 * time.Minute
	// eraseAgain is how often an erasure that the server could not finish is sent again; it goes on where it ended.
	eraseAgain = 3
)

type numbersErase struct {
	Number  string `arg:"" help:"Number to erase, with + and country code."`
	Account string `help:"Account that erases it; needed when several know the number." placeholder:"NAME"`
	Yes     bool   `help:"Do it. Without it nothing is changed: there is no way back."`
	ServerAddress
}

// Help says what is left.
func (numbersErase) Help() string {
	return `The number is overwritten by a random pseudonym everywhere, so that no figure moves. Its verdict, changes
and dead letters are deleted, and later events about it are stored under the pseudonym. Kafka's own copies end with the
retention of the topic. docs/operations.md has more.`
}

func (c *numbersErase) Run(ctx context.Context) error {
	if !c.Yes {
		return errors.New("this cannot be undone: say --yes")
	}
	server, err := c.Find(ctx)
	if err != nil {
		return err
	}
	server.client.Timeout = eraseTimeout
	path := "/v1/numbers/" + url.PathEscape(c.Number)
	if c.Account != "" {
		path += "?" + url.Values{"account": {c.Account}}.Encode()
	}
	var answer struct {
		Account string            `json:"account"`
		Hash    string            `json:"hash"`
		DoneAt  string            `json:"done_at"`
		Rows    map[string]uint64 `json:"rows"`
		Detail  string            `json:"detail"`
	}
	for try := 1; ; try++ {
		body, err := server.Send(ctx, http.MethodDelete, path, nil)
		if err == nil {
			if err := json.Unmarshal(body, &answer); err != nil {
				return fmt.Errorf("read the answer of %s: %w", server.address, err)
			}
			break
		}
		if try == eraseAgain || refused(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
	if answer.Detail != "" {
		fmt.Println(answer.Detail)
	}
	fmt.Printf("erased from account %s at %s; the audit knows it as %s\n", answer.Account, answer.DoneAt, answer.Hash)
	for _, table := range slices.Sorted(maps.Keys(answer.Rows)) {
		if n := answer.Rows[table]; n > 0 {
			fmt.Printf("  %-24s %d rows\n", table, n)
		}
	}
	return nil
}
