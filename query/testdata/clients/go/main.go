// Command stranger knows the OpenAPI document alone, by the client that was generated from it, and asks for the three
// answers: how much is read, what was saved, which numbers are dead.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"client/api"
)

func main() {
	if err := ask(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(server, key string) error {
	ctx := context.Background()
	c, err := api.NewClientWithResponses(server, api.WithRequestEditorFn(
		func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+key)
			return nil
		}))
	if err != nil {
		return err
	}
	channels, err := c.GetReportsChannelsWithResponse(ctx, &api.GetReportsChannelsParams{})
	if err != nil {
		return err
	}
	if channels.JSON200 == nil {
		return fmt.Errorf("channels: %s", channels.Body)
	}
	for _, row := range channels.JSON200.Rows {
		fmt.Println("open", *row.Channel, row.OpenNum, row.OpenDen)
	}
	savings, err := c.GetReportsSavingsWithResponse(ctx, &api.GetReportsSavingsParams{})
	if err != nil {
		return err
	}
	if savings.JSON200 == nil {
		return fmt.Errorf("savings: %s", savings.Body)
	}
	for _, row := range savings.JSON200.Rows {
		if row.SavedReached != nil {
			fmt.Println("saved", row.Currency, *row.SavedReached)
		}
	}
	dead, err := c.GetNumbersDeadWithResponse(ctx, &api.GetNumbersDeadParams{})
	if err != nil {
		return err
	}
	if dead.JSON200 == nil {
		return fmt.Errorf("dead numbers: %s", dead.Body)
	}
	for _, row := range dead.JSON200.Rows {
		fmt.Println("dead", row.Number, row.Rule)
	}
	return nil
}
