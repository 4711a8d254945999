package main

import (
	"testing"
	"time"
)

// sharedNow is the clock of TestRun_Shared.
var sharedNow = time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)

// One kaskad serves all tests that have accounts of their own and neither kill it nor count what all of them do: a
// start of its own costs each of them more than what it tests. What is published in the end is what facts say.
func TestRun_Shared(t *testing.T) {
	k := newKaskad(t, "--now", sharedNow.Format(time.RFC3339))
	k.start("")
	k.waitReady()
	for name, test := range map[string]func(t *testing.T, k *kaskad){
		"AnyOrderOneReport":    testAnyOrderOneReport,
		"ChannelReportOptOuts": testChannelReportOptOuts,
		"LocalDays":            testLocalDays,
		"NumbersCases":         testNumbersCases,
		"NumbersOptOuts":       testNumbersOptOuts,
		"NumbersRules":         testNumbersRules,
		"RefusesStrangers":     testRefusesStrangers,
		"SavingsLateDialogs":   testSavingsLateDialogs,
		"WorkedExamples":       testWorkedExamples,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, k.of(t))
		})
	}
}

// Another one has lists put and taken back whose versions count from 1.
func TestRun_Imports(t *testing.T) {
	k := newKaskad(t, "--now", sharedNow.Format(time.RFC3339))
	k.start("")
	k.waitReady()
	k.waitAnswer("/readyz") // and until commands find it
	t.Run("ErrorMaps", func(t *testing.T) { testImportsErrorMaps(t, k.of(t)) })
	t.Run("Tariffs", func(t *testing.T) { testImportsTariffs(t, k.of(t)) })
}

// of is the same process for a part of the test.
func (k *kaskad) of(t *testing.T) *kaskad {
	own := *k
	own.t = t
	return &own
}
