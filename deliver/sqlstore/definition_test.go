package sqlstore

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/paperround/deliver"
	"example.com/paperround/topic"
)

// fill sets everything within v, which can be set, to something other than zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(12345678901)
	case reflect.Float64:
		v.SetFloat(0.1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field)
		}
	case reflect.Interface: // the signer
	default:
		require.Fail(t, "a field of a kind that the test does not know", v.Kind())
	}
}

// Whatever an endpoint has is stored, but for its signer.
func TestDefinitionIsStoredWhole(t *testing.T) {
	t.Parallel()
	d := &Definition{}
	fill(t, reflect.ValueOf(&d.Endpoint).Elem())
	data, err := d.encode()
	require.NoError(t, err)
	read := &Definition{Endpoint: deliver.Endpoint{ID: d.ID, Tenant: d.Tenant}}
	require.NoError(t, read.decode(data))
	require.Equal(t, d, read)

	// Nothing is something else than an empty schedule.
	d = &Definition{Endpoint: deliver.Endpoint{Policy: &deliver.Policy{Schedule: []time.Duration{}}}}
	data, err = d.encode()
	require.NoError(t, err)
	read = &Definition{}
	require.NoError(t, read.decode(data))
	require.NotNil(t, read.Policy.Schedule)

	require.ErrorContains(t, (&Definition{Endpoint: deliver.Endpoint{ID: "billing"}}).decode("{"), "billing")
}

type fakeSigner struct{ deliver.Signer }

func definition(change func(*Definition)) *Definition {
	d := &Definition{
		Endpoint: deliver.Endpoint{
			ID: "billing", Tenant: "t-7", URL: "https://hooks.example.com/in", Topics: []topic.Pattern{topic.Everything},
			Header: http.Header{"X-Source": {"basically"}},
		},
		Secret: "t-7/billing.2026",
	}
	change(d)
	return d
}

func TestJudge(t *testing.T) {
	t.Parallel()
	missing := errors.New("no such secret")
	refused := errors.New("not there")
	e := &Endpoints{
		signers: func(_ context.Context, tenant, secret string) (deliver.Signer, error) {
			if tenant != "t-7" || secret == "missing" {
				return nil, missing
			}
			if secret == "nil" {
				return nil, nil //nolint:nilnil // a mistake to be found
			}
			return fakeSigner{}, nil
		},
		check: func(ep *deliver.Endpoint) error {
			if ep.Signer != (fakeSigner{}) || strings.Contains(ep.URL, "10.0.0.1") {
				return refused
			}
			return nil
		},
	}
	_, err := e.judge(t.Context(), definition(func(*Definition) {}))
	require.NoError(t, err)
	header := func(name, value string) func(*Definition) {
		return func(d *Definition) { d.Header = http.Header{name: {value}} }
	}
	for name, c := range map[string]struct {
		change func(*Definition)
		want   string
	}{
		"signer":           {func(d *Definition) { d.Signer = fakeSigner{} }, "Signer cannot be stored"},
		"no topics":        {func(d *Definition) { d.Topics = nil }, "Topics is empty"},
		"no secret":        {func(d *Definition) { d.Secret = "" }, "Secret is empty"},
		"secret itself":    {func(d *Definition) { d.Secret = "whsec_aaaa" }, "looks like a secret"},
		"private key":      {func(d *Definition) { d.Secret = "whsk_aaaa" }, "looks like a secret"},
		"secret of base64": {func(d *Definition) { d.Secret = "aaaa+bbb=" }, "name of letters"},
		"long name":        {func(d *Definition) { d.Secret = strings.Repeat("a", 129) }, "up to 128"},
		"not UTF-8":        {func(d *Definition) { d.Filters = []deliver.Filter{{Path: "a", Values: []string{"\xff"}}} }, "UTF-8"},
		"header not UTF-8": {header("X-Source", "\xff"), "UTF-8"},
		"authorization":    {header("Authorization", "zzz"), "Header Authorization looks like a credential"},
		"cookie":           {header("cookie", "zzz"), "credential"},
		"api key":          {header("X-Api-Key", "zzz"), "credential"},
		"apikey":           {header("Apikey", "zzz"), "credential"},
		"token":            {header("X-Gitlab-Token", "zzz"), "credential"},
		"auth":             {header("X_AUTH", "zzz"), "credential"},
		"bearer":           {header("X-Source", "Bearer zzz"), "credential"},
		"basic":            {header("X-Source", " basic zzz"), "credential"},
		"missing secret":   {func(d *Definition) { d.Secret = "missing" }, missing.Error()},
		"nil signer":       {func(d *Definition) { d.Secret = "nil" }, "no signer"},
		"other tenant":     {func(d *Definition) { d.Tenant = "t-8" }, missing.Error()},
		"checked":          {func(d *Definition) { d.URL = "https://10.0.0.1/" }, refused.Error()},
	} {
		d := definition(c.change)
		_, err := e.judge(t.Context(), d)
		require.ErrorContains(t, err, c.want, name)
		require.NotContains(t, err.Error(), "zzz", name)
		if d.Secret != "" {
			require.NotContains(t, err.Error(), d.Secret, name)
		}
	}
	_, err = e.judge(t.Context(), nil)
	require.True(t, deliver.Permanent(err))
	for _, name := range []string{
		"Www-Authenticate", "X-Credential", "Client-Secret", "X-Password", "X-Signature-256", "X-Bearer", "X.Jwt", "X-Pwd", "Session",
	} {
		require.True(t, isCredential(name, nil), name)
	}
	for _, name := range []string{"X-Source", "X-Author", "X-Keyboard", "X-Environment", "Accept-Language"} {
		require.False(t, isCredential(name, []string{"basics of it", "a"}), name)
	}
}

func TestSameSigner(t *testing.T) {
	t.Parallel()
	type sliced struct {
		fakeSigner
		list []int
	}
	a := &sliced{}
	require.True(t, same(a, a))
	require.False(t, same(a, &sliced{list: []int{1}}))
	require.False(t, same(sliced{}, sliced{}), "what cannot be compared is another one")
	require.False(t, same(fakeSigner{}, a))
}
