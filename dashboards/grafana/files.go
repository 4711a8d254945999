package grafana

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Dashboards are the boards.
func Dashboards() ([]dashboard.Dashboard, error) {
	var all []dashboard.Dashboard
	for _, b := range []*dashboard.DashboardBuilder{operations(), business()} {
		built, err := b.Build()
		if err != nil {
			return nil, fmt.Errorf("build a dashboard: %w", err)
		}
		all = append(all, built)
	}
	return all, nil
}

// Files are what the generator makes, by their place beside this file.
func Files() (map[string][]byte, error) {
	boards, err := Dashboards()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"clickhouse/operator.xml": operatorXML(), "clickhouse/operator.sql": operatorSQL()}
	for i := range boards {
		if boards[i].Uid == nil {
			return nil, errors.New("a dashboard has no uid")
		}
		number(boards[i].Panels)
		text, err := json.MarshalIndent(boards[i], "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write dashboard %s: %w", *boards[i].Uid, err)
		}
		files["boards/"+*boards[i].Uid+".json"] = append(text, '\n')
	}
	if files["provisioning/alerting/kaskad.yaml"], err = alertYAML(); err != nil {
		return nil, err
	}
	return files, nil
}

// number gives panels their ids, so that links to one stay while the board is as it is.
func number(panels []dashboard.PanelOrRowPanel) {
	for i := range panels {
		id := cog.ToPtr(uint32(i + 1))
		if panels[i].Panel != nil {
			panels[i].Panel.Id = id
		} else {
			panels[i].RowPanel.Id = *id
		}
	}
}
