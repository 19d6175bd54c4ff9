package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary is its own children too. Its sender echoes its job, or fails.
func TestMain(m *testing.M) {
	if IsChild(os.Args[1:]) {
		Exit("harness", Child(os.Args[1], func(in io.Reader, out io.Writer) error {
			var job string
			if err := json.NewDecoder(in).Decode(&job); err != nil || job == "" {
				return errors.Join(err, errors.New("no job"))
			}
			return json.NewEncoder(out).Encode(job)
		}))
	}
	os.Exit(m.Run())
}

func newSink(t *testing.T) *Sink {
	t.Helper()
	sink, err := StartSink(t.Context())
	require.NoError(t, err)
	t.Cleanup(sink.Stop)
	return sink
}

func TestRun(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	resp, err := http.Post(sink.URL+PathCounted, JSONType, http.NoBody)
	require.NoError(t, err)
	require.NoError(t, Finish(resp)) // by somebody else, before
	var took string
	arrived, err := sink.Run(t.Context(), "job", &took)
	require.NoError(t, err)
	require.Equal(t, "job", took)
	require.Equal(t, Arrived{}, arrived)
	_, err = sink.Run(t.Context(), "", &took)
	require.Error(t, err)
}

func TestSinkRefuses(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	signer, err := Signer()
	require.NoError(t, err)
	post := func(path, id string, signed, sent []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sink.URL+path, bytes.NewReader(sent))
		require.NoError(t, err)
		require.NoError(t, signer.Sign(req.Header, id, time.Now(), signed))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, Finish(resp))
	}
	other := []byte("{}")
	post(PathChecked, "a", Body(), Body())
	post(PathChecked, "a", Body(), Body())
	post(PathChecked, "b", Body(), other)   // the signature is wrong
	post(PathChecked, "c", other, other)    // the body is
	post(PathTimed, "late", Body(), Body()) // no time in it
	got, err := sink.Take(t.Context())
	require.NoError(t, err)
	require.Equal(t, Arrived{Count: 5, Refused: 3, Twice: 1}, got)
	got, err = sink.Take(t.Context())
	require.NoError(t, err)
	require.Equal(t, Arrived{}, got)

	post(PathNoted, "d", Body(), Body())
	post(PathNoted, "d", Body(), Body())
	got, err = sink.Take(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), got.At["d"], time.Minute)
	got.At = nil
	require.Equal(t, Arrived{Count: 2, Twice: 1}, got)
	got, err = sink.Take(t.Context())
	require.NoError(t, err)
	require.Equal(t, Arrived{}, got)
}

func TestJudgeArrived(t *testing.T) {
	t.Parallel()
	require.NoError(t, Arrived{Count: 3}.Judge(3))
	for want, a := range map[string]Arrived{
		"not as they were sent": {Count: 3, Refused: 1},
		"came twice":            {Count: 3, Twice: 1},
		"2 messages arrived":    {Count: 2},
		"4 messages arrived":    {Count: 4},
	} {
		require.ErrorContains(t, a.Judge(3), want)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	profile := t.TempDir() + "/cpu.pprof"
	var kept []byte
	cost, err := Measure(10, profile, func() error {
		time.Sleep(20 * time.Millisecond)
		kept = make([]byte, 1<<20)
		return nil
	})
	require.NoError(t, err)
	require.Len(t, kept, 1<<20)
	require.GreaterOrEqual(t, cost.Seconds, 0.02)
	require.GreaterOrEqual(t, cost.Bytes, float64(1<<20)/10)
	require.FileExists(t, profile)

	broken := errors.New("broken")
	_, err = Measure(1, "", func() error { return broken })
	require.ErrorIs(t, err, broken)
}

func TestMedian(t *testing.T) {
	t.Parallel()
	require.Zero(t, Median(nil))
	require.InDelta(t, 5, Median([]float64{9, 1, 5}), 0)
	require.InDelta(t, 4, Median([]float64{9, 1, 5, 3}), 0)
}

func TestTurns(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{0, 1, 2}, Turns(0, 3))
	require.Equal(t, []int{2, 1, 0}, Turns(1, 3))
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		target  Target
		check   bool
		verdict string
		fails   bool
	}{
		{"most", Target{Got: 1, Wanted: 1}, false, "* met", false},
		{"more", Target{Got: 1.1, Wanted: 1}, false, "* MISSED", true},
		{"least", Target{Got: 1, Wanted: 1, Least: true}, false, "* met", false},
		{"less", Target{Got: 0.9, Wanted: 1, Least: true}, false, "* MISSED", true},
		{"time", Target{Got: 2, Wanted: 1, Time: true}, false, "* missed, not judged", false},
		{"judged time", Target{Got: 2, Wanted: 1, Time: true}, true, "* MISSED", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := Report{W: &out, Check: tt.check}
			r.Aim(tt.target)
			err := r.Judge()
			require.Equal(t, tt.fails, err != nil)
			require.Contains(t, out.String(), tt.verdict)
		})
	}
}
