//! The table of ECR operations.

use super::{Operation, images, policies, push, repositories, tags};

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    let (operation, mutating): (Operation, bool) = match name {
        "BatchDeleteImage" => (images::batch_delete, true),
        "BatchGetImage" => (images::batch_get, false),
        "CreateRepository" => (repositories::create, true),
        "DeleteLifecyclePolicy" => (policies::delete_lifecycle, true),
        "DeleteRepository" => (repositories::delete, true),
        "DeleteRepositoryPolicy" => (policies::delete_policy, true),
        "DescribeImages" => (images::describe, false),
        "DescribeRegistry" => (repositories::describe_registry, false),
        "DescribeRepositories" => (repositories::describe, false),
        "GetAuthorizationToken" => (repositories::authorization_token, false),
        "GetLifecyclePolicy" => (policies::get_lifecycle, false),
        "GetRepositoryPolicy" => (policies::get_policy, false),
        "ListImages" => (images::list, false),
        "ListTagsForResource" => (tags::list, false),
        "PutImage" => (push::put_image, true),
        "PutImageScanningConfiguration" => (repositories::put_scanning, true),
        "PutImageTagMutability" => (repositories::put_mutability, true),
        "PutLifecyclePolicy" => (policies::put_lifecycle, true),
        "SetRepositoryPolicy" => (policies::set_policy, true),
        "TagResource" => (tags::tag, true),
        "UntagResource" => (tags::untag, true),
        _ => return None,
    };
    Some((operation, mutating))
}
