package watch

import (
	"testing"

	"kaskad/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
