using FleetMdm.Api.Commands;

namespace FleetMdm.Api.Rest;

/// <summary>Words that the maps of endpoints are written in.</summary>
internal static class EndpointConventions
{
    /// <summary>Errors that any request can meet, and these.</summary>
    public static RouteHandlerBuilder Fails(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses) endpoint.ProducesProblem(status);
        return endpoint.ProducesProblem(401).ProducesProblem(403).ProducesProblem(429).ProducesProblem(503);
    }

    /// <summary>Takes a JSON body, read by <see cref="RequestBody"/>.</summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint, BodyLimit limit = BodyLimit.Ordinary) where T : notnull =>
        endpoint.WithMetadata(new BodyLimitMetadata(limit), new DescribedBody(typeof(T)));

    /// <summary>Takes a command as JSON or as a property list, read by <see cref="CommandReader"/>.</summary>
    public static RouteHandlerBuilder TakesCommand(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new BodyLimitMetadata(BodyLimit.Command), DescribedBody.Command);

    /// <summary>Honours Idempotency-Key.</summary>
    public static RouteHandlerBuilder Idempotent(this RouteHandlerBuilder endpoint) =>
        endpoint.AddEndpointFilter<IdempotencyFilter>().WithMetadata(IdempotentMetadata.Instance);

    /// <summary>The answer holds a secret that must not be kept for replays.</summary>
    public static RouteHandlerBuilder AnswersSecret(this RouteHandlerBuilder endpoint) => endpoint.WithMetadata(SecretAnswer.Instance);
}

/// <summary>For the OpenAPI document: the body that an endpoint reads by itself.</summary>
internal sealed record DescribedBody(Type? Type)
{
    /// <summary>A command, whose fields depend on its request type.</summary>
    public static readonly DescribedBody Command = new((Type?)null);
}

/// <summary>For the OpenAPI document: the endpoint takes an Idempotency-Key.</summary>
internal sealed class IdempotentMetadata
{
    public static readonly IdempotentMetadata Instance = new();
}
