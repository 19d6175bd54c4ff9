package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"example.com/paperround/deliver"
	"example.com/paperround/sign"
)

// secrets are files: the folder of a tenant holds one for each name.
type secrets struct{ root *os.Root }

func openSecrets(dir string) (*secrets, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &secrets{root: root}, nil
}

func (s *secrets) close() error { return s.root.Close() }

// signer is asked at each attempt, so a file that was replaced counts at once.
func (s *secrets) signer(_ context.Context, tenant, name string) (deliver.Signer, error) {
	// Both are said by customers, and must not lead to another one's folder.
	if !isFileName(tenant) || !isFileName(name) {
		return nil, fmt.Errorf("%w: the tenant and the name of its secret are names of a folder and a file", errInvalid)
	}
	text, err := s.root.ReadFile(tenant + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the tenant has no secret of that name", errInvalid)
	}
	if err != nil {
		return nil, err
	}
	ring, err := sign.NewRing(sign.Key{Secret: sign.NewSecret(bytes.TrimSpace(text))})
	if err != nil {
		return nil, err
	}
	return sign.New(sign.InPlayer(), ring, nil)
}

func isFileName(s string) bool {
	return fs.ValidPath(s) && s != "." && !strings.ContainsAny(s, `/\`)
}
