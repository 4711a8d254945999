package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"kaskad/cmd/kaskad/client"
	"kaskad/cmd/kaskad/datadir"
	"kaskad/schema/keys"
)

// demoKeyTime is how long the demo's keys are good: they stand on a screen, and every start makes others.
const demoKeyTime = 24 * time.Hour

// showKeys makes a key for each scope and prints what each is for.
func (c *demoCommand) showKeys(ctx context.Context, server *client.API, state demoState) error {
	account := "lavka"
	fmt.Printf("\nWith --auth keys each of these commands needs a key: curl takes it as "+
		"-H \"Authorization: Bearer KEY\", kaskad as --key or KASKAD_KEY.\nThe admin key of all accounts is in %s. "+
		"Keys of account %s, for a day:\n\n",
		filepath.Join(c.shownData(), datadir.AdminKeyFile), account)
	now := time.Now().UTC().Format(time.RFC3339)
	uses := map[string]string{
		"analyst":  "'%s/v1/reports/savings?%s'",
		"marketer": "'%s/v1/reports/channels?%s'",
		"crm":      "'%s/v1/numbers/dead?limit=3'",
		"ingest": fmt.Sprintf(`%%s/v1/events --json '{"account":%q,"message_id":"try-1","submitted_at":%q,`+
			`"channel":"sms","status":"sent","occurred_at":%q,"recipient":"+79001234567"}'`, account, now, now),
		"admin": "'%s/v1/keys'",
	}
	for _, scope := range keys.Names {
		body, err := json.Marshal(map[string]any{"account": account, "scopes": []string{scope}, "note": "demo",
			"expires_at": time.Now().Add(demoKeyTime).UTC().Format(time.RFC3339)})
		if err != nil {
			return err
		}
		reply, err := server.Send(ctx, http.MethodPost, "/v1/keys", body)
		if err != nil {
			return err
		}
		var made struct{ Key string }
		if err := json.Unmarshal(reply, &made); err != nil {
			return fmt.Errorf("read the answer of %s: %w", server.Address(), err)
		}
		use := strings.Replace(uses[scope], "%s", server.Address(), 1)
		use = strings.Replace(use, "%s", state.period(), 1)
		fmt.Printf("  %-8s key=%s\n           curl -s -H \"Authorization: Bearer $key\" %s\n", scope, made.Key, use)
	}
	return nil
}
