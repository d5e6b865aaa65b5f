// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Server, up, type World } from './server'

/** server is a shell's loop that prints lines. */
const server = (...lines: string[]) =>
  `while true; do ${lines.map((line) => `echo "${line}"; sleep 1`).join('; ')}; done`

/** A project as people have it: a dozen resources, some of which have failed, wait, or were never asked for. */
export const project = `
update_settings(max_parallel_updates=3)
local_resource('postgres', 'echo "pulling the schema"; sleep 0.4', labels=['data'],
    serve_cmd='echo "listening on 5432"; touch db.ready; ${server('checkpoint starting', 'checkpoint complete')}',
    readiness_probe=probe(period_secs=1, exec=exec_action(['test', '-e', 'db.ready'])))
local_resource('redis', serve_cmd='echo "Ready to accept connections"; exec sleep 10000', labels=['data'])
local_resource('migrate', 'for n in 1 2 3 4 5; do echo "applying 000$n"; sleep 0.2; done', resource_deps=['postgres'], labels=['data'])
local_resource('generate', 'echo "wrote 14 files"; sleep 0.7', labels=['build'], allow_parallel=True)
local_resource('lint', 'sleep 0.5; printf "\\033[33mwarning\\033[0m: unused import in cart.go:12\\n"; exit 0', labels=['build'], allow_parallel=True)
local_resource('catalog', 'sleep 0.9; echo "compiled catalog"', labels=['shop'], resource_deps=['generate', 'migrate'],
    serve_cmd='printf "\\033[32mINFO\\033[0m catalog on :27480\\n"; ${server('GET /products 200 4ms', 'GET /products/7 200 1ms', '\\033[33mWARN\\033[0m 212 products are out of stock', 'GET /products?q=tea 200 9ms', '\\033[31mERROR\\033[0m GET /products/0 404', 'GET /healthz 200 0ms')}',
    links=[link('http://127.0.0.1:27480/products', 'products')],
    readiness_probe=probe(period_secs=1, exec=exec_action(['true'])))
local_resource('orders', 'sleep 0.6; echo "compiled orders"', labels=['shop'], resource_deps=['catalog', 'redis'],
    serve_cmd='printf "\\033[31mERROR\\033[0m connection to payments refused, trying again\\n"; exec sleep 10000',
    readiness_probe=probe(period_secs=1, failure_threshold=1, exec=exec_action(['false'])))
local_resource('payments', 'echo "compiling"; sleep 0.5; printf "payments/gateway.go:41:7: \\033[1;31mundefined: Currency\\033[0m\\n"; exit 2',
    labels=['shop'], resource_deps=['generate'])
local_resource('worker', serve_cmd='n=0; until test $n = 3; do n=$((n+1)); echo "job $n"; sleep 0.2; done; echo "out of memory"; exit 137', labels=['shop'])
local_resource('frontend', serve_cmd='echo "VITE ready in 312 ms"; exec sleep 10000', labels=['web'], resource_deps=['catalog'],
    links=['http://127.0.0.1:5173/'])
local_resource('smoke', 'true', labels=['test'], resource_deps=['orders', 'frontend'])
local_resource('e2e', 'true', labels=['test'], resource_deps=['smoke', 'payments'])
local_resource('load-test', 'true', labels=['test'], auto_init=False, trigger_mode=TRIGGER_MODE_MANUAL, resource_deps=['orders'])
v1alpha1.ui_button('seed', text='Seed the catalog',
    location=v1alpha1.ui_component_location(component_id='catalog', component_type='Resource'),
    annotations={'tilt.dev/resource': 'catalog'}, inputs=[
        v1alpha1.ui_input_spec(name='COUNT', label='Products', text=v1alpha1.ui_text_input_spec(default_value='20')),
        v1alpha1.ui_input_spec(name='KIND', label='Kind', choice=v1alpha1.ui_choice_input_spec(choices=['small', 'large'])),
    ])
v1alpha1.cmd('seeding', args=['sh', '-c', 'echo seeded $COUNT'], annotations={'tilt.dev/resource': 'catalog'},
    start_on=v1alpha1.start_on_spec(ui_buttons=['seed']))
`

/** shop runs the project. */
export function shop(user: World): Promise<Server> {
  return up(user, project)
}
