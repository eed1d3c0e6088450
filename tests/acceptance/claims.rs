//! Claims: exactly one holder wins, however many ask at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Client, Options, PDF, Response, Server, id_of};

const CROWD: usize = 64;

/// How long a claim is asked for again that the service is too busy for.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Sends all claims at the same moment, each over a connection of its own.
async fn claim_at_once(server: &Server, id: &str, holder: fn(usize) -> String) -> Vec<Response> {
    let gate = Arc::new(Barrier::new(CROWD));
    let mut tasks = JoinSet::new();
    for number in 0..CROWD {
        let client = Client::with_keep_alive(server.url(), Some(server.key()));
        let (gate, id) = (gate.clone(), id.to_owned());
        tasks.spawn(async move {
            // The connection is open before the gate is.
            client.get("/livez").await.expect(200);
            gate.wait().await;
            let started = Instant::now();
            loop {
                let response = client.claim(&id, &holder(number)).await;
                // A crowd may have to wait for longer than a database connection is waited for.
                if response.status != 503 || started.elapsed() > TIMEOUT {
                    return response;
                }
            }
        });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn of_64_different_holders_one_wins_and_63_are_told_since_when() {
    let server = Server::start(Options::new()).await;
    for round in 0..4 {
        let id = id_of(&server.client().store(&format!("{round}.pdf"), PDF).await);
        let responses = claim_at_once(&server, &id, |number| format!("certificate:{number}")).await;

        let (won, refused): (Vec<_>, Vec<_>) = responses
            .into_iter()
            .partition(|response| response.status == 200);
        assert_eq!((won.len(), refused.len()), (1, CROWD - 1));
        let won = won[0].json();
        for response in refused {
            assert_eq!(
                response.problem(409, "file-claimed")["used_at"],
                won["used_at"]
            );
        }
        assert_eq!(server.client().record(&id).await.expect(200).json(), won);
    }
}

#[tokio::test]
async fn the_same_holder_64_times_gets_the_same_answer() {
    let server = Server::start(Options::new()).await;
    let id = id_of(&server.client().store("a.pdf", PDF).await);
    let responses = claim_at_once(&server, &id, |_| "certificate:42".to_owned()).await;
    let times: BTreeSet<String> = responses
        .into_iter()
        .map(|response| {
            response.expect(200).json()["used_at"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(times.len(), 1, "{times:?}");
}

#[tokio::test]
async fn a_claim_is_released_by_its_holder_only() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let claimed = client.claim(&id, "certificate:42").await.expect(200).json();
    assert_eq!(claimed["used_by"], "certificate:42");
    let refused = client
        .claim(&id, "certificate:43")
        .await
        .problem(409, "file-claimed");
    assert_eq!(refused["used_at"], claimed["used_at"]);
    let refused = client
        .release(&id, "certificate:43")
        .await
        .problem(409, "file-claimed");
    assert_eq!(refused["used_at"], claimed["used_at"]);

    let released = client
        .release(&id, "certificate:42")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&released["used_at"], &released["used_by"]),
        (&Value::Null, &Value::Null)
    );
    client.release(&id, "certificate:42").await.expect(200);
    let other = client
        .claim(&id, "a holder/with «signs» & =")
        .await
        .expect(200)
        .json();
    assert_eq!(other["used_by"], "a holder/with «signs» & =");
    client
        .release(&id, "a holder/with «signs» & =")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_claim_needs_a_holder_and_nothing_else() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let claim = format!("/v1/files/{id}/claim");
    for (body, named) in [
        (json!({}), "holder"),
        (json!({"holder": ""}), "holder"),
        (json!({"holder": null}), "holder"),
        (json!({"holder": 42}), "holder"),
        (json!({"holder": "a", "until": "tomorrow"}), "until"),
    ] {
        let response = client.post_json(&claim, &body).await;
        response.problem_mentioning(422, "invalid-field", named);
    }
    for query in ["", "?holder=", "?holder=a&x=1", "?holder=a&holder=b"] {
        let response = client.delete(&format!("{claim}{query}")).await;
        response.problem(400, "invalid-parameter");
    }
    assert_eq!(
        client.record(&id).await.expect(200).json()["used_at"],
        Value::Null
    );
}
