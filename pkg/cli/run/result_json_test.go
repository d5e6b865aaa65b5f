// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"encoding/json"
	"testing"
	"time"

	"tilt.dev/session/pkg/model"
)

// The fields of images, Kubernetes resources and Compose services that scripts read.
func TestTiltfileResult(t *testing.T) {
	registry := &model.Registry{Host: "localhost:5000", HostFromCluster: "registry:5000"}
	result, err := newTiltfileResult(&model.Project{
		Enabled: model.Selection{All: true},
		Images: []model.Image{
			{Name: "base", Build: &model.ImageBuild{Custom: &model.CustomBuild{Tag: "dev"}}, Deps: []string{"/src"}},
			{Name: "team/web", Bases: []string{"base"}, Build: &model.ImageBuild{
				Docker: &model.DockerBuild{Context: "/src", BuildArgs: []string{"A=b"}}, Registry: registry,
			}},
		},
		Resources: []model.Resource{
			{
				Name: "web", AutoInit: true, Images: []string{"team/web", "base"},
				Update: &model.Deploy{
					Objects: []model.Object{{"kind": "Service"}, {"kind": "Deployment"}}, Timeout: 30 * time.Second,
					Images: []model.ImageUse{{Image: "team/web"}},
				},
				Runtime: &model.Workload{Readiness: model.PodReadinessWait},
			},
			{
				Name: "chart", AutoInit: true, TriggerMode: model.TriggerManual,
				Update: &model.Deploy{Custom: &model.CustomDeploy{
					Apply: model.Command{Argv: []string{"apply"}}, Delete: model.Command{Argv: []string{"delete"}},
				}},
			},
			{Name: "db", Update: &model.ComposeUp{Service: "postgres", Project: &model.ComposeProject{
				Name: "shop", Directory: "/shop", Files: []string{"/shop/compose.yaml"},
			}, Wait: true}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		part any
		want string
	}{
		{result.EnabledManifests, `["web","chart","db"]`},
		{result.DefaultRegistry, `{"host":"localhost:5000","hostFromContainerRuntime":"registry:5000"}`},
		{result.Manifests[0].ImageTargets, `[{"selector":"team/web","ImageMapDeps":["base"],"BuildDetails":` +
			`{"ref":"team/web","context":"/src","args":["A=b"]}},{"selector":"base","ImageMapDeps":null,"BuildDetails":` +
			`{"args":null,"ref":"base","outputTag":"dev","Deps":["/src"]}}]`},
		{result.Manifests[0].DeployTarget, `{"Name":"web","yaml":"kind: Service\n---\nkind: Deployment\n",` +
			`"timeout":"30s","imageMaps":["team_web"],"PodReadinessMode":"wait"}`},
		{result.Manifests[1].TriggerMode, `1`},
		{result.Manifests[1].DeployTarget, `{"Name":"chart","applyCmd":{"args":["apply"]},"deleteCmd":{"args":["delete"]},` +
			`"timeout":"0s","PodReadinessMode":""}`},
		{result.Manifests[2].TriggerMode, `3`},
		{result.Manifests[2].DeployTarget, `{"Name":"db","Spec":{"service":"postgres","project":{"name":"shop",` +
			`"projectPath":"/shop","configPaths":["/shop/compose.yaml"],"wait":true}}}`},
	} {
		got, err := json.Marshal(test.part)
		if err != nil || string(got) != test.want {
			t.Errorf("%s, %v; want %s", got, err, test.want)
		}
	}
}
