package lists

import (
	"kaskad/money"
	"kaskad/schema"
)

// tariffKind is /v1/tariffs: what an account pays for each channel (docs/definitions.md section 4, Tariffs).
func tariffKind() referenceKind {
	kind := newReferenceKind(schema.ReferenceTariffs,
		[...]func([]byte) ([]money.Tariff, error){money.ParseTariffsJSON, money.ParseTariffsYAML,
			money.ParseTariffsCSV},
		[...]func([]money.Tariff) ([]byte, error){money.TariffsJSON, money.TariffsYAML, money.TariffsCSV})
	kind.setting, kind.join, kind.split = money.BillingZoneField, money.JoinTariffs, money.SplitTariffs
	kind.settingOf = func(form listForm, body []byte) (string, error) {
		switch form {
		case listJSON:
			return money.BillingZoneJSON(body)
		case listYAML:
			return money.BillingZoneYAML(body)
		}
		return "", nil // a CSV has no place for it: see parameter billing_zone
	}
	describeTariffs(&kind)
	return kind
}

// templateKind is /v1/templates: how many SMS segments a template's text takes (docs/definitions.md section 4). A text
// that is sent is measured and not kept.
func templateKind() referenceKind {
	kind := newReferenceKind(schema.ReferenceTemplates,
		[...]func([]byte) ([]money.Template, error){money.ParseTemplatesJSON, money.ParseTemplatesYAML,
			money.ParseTemplatesCSV},
		[...]func([]money.Template) ([]byte, error){money.TemplatesJSON, money.TemplatesYAML, money.TemplatesCSV})
	describeTemplates(&kind)
	return kind
}
