//! Deletion does not need an operator.

use anyhow::Result;

use crate::node::World;
use crate::node::deletion::load_ends_after_deletion;
use crate::operator::Operator;

#[tokio::test]
async fn deleting_a_running_test_ends_its_load_without_an_operator() -> Result<()> {
    let world = World::new("orphan", 0).await?;
    let kubeconfig = world.node.kubeconfig();
    let mut operator = Operator::start(&world.node, &kubeconfig, world.namespace.name())?;
    load_ends_after_deletion(&world, async || operator.kill()).await
}
