// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/testing/scratch"
)

const (
	specDirectory = "openapi-spec"
	referenceFile = "reference.md"
)

// generate returns the content of each file by its path.
func generate(ctx context.Context) (map[string][]byte, error) {
	documents := map[string][]byte{}
	err := scratch.Run(ctx, func(ctx context.Context, server *apiserver.Server) error {
		return readDocuments(ctx, server.LoopbackClientConfig(), documents)
	})
	if err != nil {
		return nil, err
	}
	documents[referenceFile], err = writeReference(
		documents[pathV3("apis/"+v1alpha1.GroupName)],
		documents[pathV3("apis/"+v1alpha1.SchemeGroupVersion.String())],
	)
	if err != nil {
		return nil, err
	}
	return documents, nil
}

// readDocuments adds every OpenAPI document that a server has.
func readDocuments(ctx context.Context, config *rest.Config, documents map[string][]byte) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	v2, err := client.RESTClient().Get().AbsPath("/openapi/v2").SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("reading OpenAPI v2: %w", err)
	}
	documents[specDirectory+"/v2.json"], err = indent(v2)
	if err != nil {
		return err
	}
	roots, err := client.OpenAPIV3().Paths()
	if err != nil {
		return fmt.Errorf("reading the index of OpenAPI v3: %w", err)
	}
	for root, version := range roots {
		v3, err := version.Schema(runtime.ContentTypeJSON)
		if err != nil {
			return fmt.Errorf("reading OpenAPI v3 of %s: %w", root, err)
		}
		documents[pathV3(root)], err = indent(v3)
		if err != nil {
			return err
		}
	}
	return nil
}

// pathV3 is where the document of a root path such as "apis/tilt.dev/v1alpha1"
// is written. It's named as Kubernetes names its own.
func pathV3(root string) string {
	return specDirectory + "/v3/" + strings.ReplaceAll(root, "/", "__") + "_openapi.json"
}

func indent(document []byte) ([]byte, error) {
	var written bytes.Buffer
	if err := json.Indent(&written, document, "", "  "); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	written.WriteByte('\n')
	return written.Bytes(), nil
}
