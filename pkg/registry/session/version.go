// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage"
)

// versionError blames the client for a resourceVersion that isn't one. The
// store does that for lists; for reads and watches it passes on the error of
// its storage, which would be told as one of the server.
func versionError(err error) error {
	var invalid storage.InvalidError
	if errors.As(err, &invalid) {
		return apierrors.NewBadRequest("invalid resource version: " + invalid.Error())
	}
	return err
}
