package sqlstore

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
)

// remembering has endpoints that were asked for just now, on a store that cannot be
// asked.
func remembering(t *testing.T, signers Signers) *Endpoints {
	t.Helper()
	e, err := NewEndpoints(&Store{}, signers, nil)
	require.NoError(t, err)
	require.Equal(t, time.Second, e.refresh)
	e.asked = time.Now()
	return e
}

func knownOf(id string) []*known {
	return []*known{{endpoint: &deliver.Endpoint{ID: id, Tenant: "t-7"}, secret: "first"}}
}

func noSigner(context.Context, string, string) (deliver.Signer, error) { return fakeSigner{}, nil }

// loading is a question for a tenant's endpoints that has its answer and is not done.
func loading(e *Endpoints, tenant, id string) *load {
	l := &load{done: make(chan struct{}), list: knownOf(id)}
	e.loading[tenant] = l
	return l
}

// What was read before a change must not be remembered after it, nor told to those who
// ask then.
func TestRememberAfterAChange(t *testing.T) {
	t.Parallel()
	e := remembering(t, noSigner)
	for _, changed := range [][]string{{"t-7"}, make([]string, maxChanges+1)} {
		l := loading(e, "t-7", "a")
		e.forgetChanged(changed...)
		require.Empty(t, e.loading)
		e.remember("t-7", l)
		require.Empty(t, e.tenants)
		require.Empty(t, e.byID)
	}
	l := loading(e, "t-7", "a")
	e.forgetChanged("t-8")
	e.remember("t-7", l)
	require.Len(t, e.tenants, 1)
	require.Contains(t, e.byID, "a")
	require.Empty(t, e.loading)

	e.forgetChanged("t-7")
	l = loading(e, "t-7", "a")
	l.err = context.DeadlineExceeded
	e.remember("t-7", l)
	require.Empty(t, e.tenants)
	require.Empty(t, e.loading)
}

// Those who want to know at the same time ask once, and wait no longer than they can.
func TestLoadTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := remembering(t, noSigner)
		e.refresh = time.Hour
		l := loading(e, "t-7", "a") // the store could not be asked again
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := e.of(ctx, "t-7")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		found := make(chan int)
		for range 3 {
			go func() {
				list, _ := e.of(t.Context(), "t-7")
				found <- len(list)
			}()
		}
		synctest.Wait()
		e.remember("t-7", l)
		close(l.done)
		for range 3 {
			require.Equal(t, 1, <-found)
		}
	})
}

// What was deleted elsewhere is not left behind when its tenant is read anew.
func TestRememberAgain(t *testing.T) {
	t.Parallel()
	e := remembering(t, noSigner)
	e.remember("t-7", loading(e, "t-7", "a"))
	e.remember("t-7", loading(e, "t-7", "b"))
	require.NotContains(t, e.byID, "a")
	require.Contains(t, e.byID, "b")
}

func TestRememberIsBounded(t *testing.T) {
	t.Parallel()
	e := remembering(t, noSigner)
	for i := range maxRemembered {
		tenant := "t-" + strconv.Itoa(i)
		e.remember(tenant, loading(e, tenant, "e-"+strconv.Itoa(i)))
	}
	require.InDelta(t, maxRemembered, len(e.tenants)+len(e.byID), 2)
	require.Len(t, e.byID, len(e.tenants))
	require.Contains(t, e.tenants, "t-"+strconv.Itoa(maxRemembered-1), "the latest is")
}

// Those who need to know wait for the one who asks, but no longer than they can, and
// do not ask again.
func TestOneAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := remembering(t, noSigner)
		time.Sleep(time.Minute)
		e.asking <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, e.catchUp(ctx), context.DeadlineExceeded)

		caughtUp := make(chan error)
		go func() { caughtUp <- e.catchUp(t.Context()) }()
		synctest.Wait()
		e.mu.Lock()
		e.asked = time.Now()
		e.mu.Unlock()
		<-e.asking
		require.NoError(t, <-caughtUp) // the store could not have been asked
	})
}

// A secret that changes behind its name counts at the next attempt.
func TestSignerIsAskedEachTime(t *testing.T) {
	t.Parallel()
	var signer deliver.Signer = &fakeSigner{}
	e := remembering(t, func(context.Context, string, string) (deliver.Signer, error) { return signer, nil })
	e.refresh = time.Hour
	e.remember("t-7", loading(e, "t-7", "a"))
	first, err := e.Endpoint(t.Context(), "a")
	require.NoError(t, err)
	require.Same(t, signer, first.Signer)
	same, err := e.Endpoint(t.Context(), "a")
	require.NoError(t, err)
	require.Same(t, first, same)
	signer = &struct {
		fakeSigner
		_ int // so that its address is another one
	}{}
	second, err := e.Endpoint(t.Context(), "a")
	require.NoError(t, err)
	require.Same(t, signer, second.Signer)
	require.NotSame(t, signer, first.Signer, "what an attempt has in hand stays as it is")
}
