namespace FleetMdm.Api.Access;

/// <summary>Endpoint metadata: the right that it needs. Where it stands more than once, each is needed. A test reads the route table, and fails for an endpoint
/// of the admin side that names none; such an endpoint answers 403 to everybody.</summary>
/// <param name="OneOf">One of these is enough.</param>
public sealed record NeededRights(IReadOnlyList<string> OneOf);

/// <summary>Endpoint metadata: for everybody who is signed in. What it shows holds nothing of the district, or depends on the reader's rights itself.</summary>
public sealed record ForEverybodySignedIn(string Why);

/// <summary>Endpoint metadata: also for tokens that are for some schools. It shows and changes nothing outside of them. An endpoint without it, whose address names nothing
/// that is guarded (<see cref="ScopedThing"/>), is for the whole district: nobody can forget it.</summary>
public sealed record ForSchools
{
    public static readonly ForSchools Instance = new();
}

internal static class NeededRightsConventions
{
    /// <summary>Applies <see cref="FleetUser.Scope"/> itself, in the statements of its stores.</summary>
    public static TBuilder WithinSchools<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(ForSchools.Instance);

    /// <summary>Names the rights that an endpoint, or each of a group, needs: all of them.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, params string[] rights) where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata([.. rights.Select(right => new NeededRights([right]))]);

    /// <summary>One of these is enough to come in; the endpoint itself asks for the one that it needs.</summary>
    public static TBuilder NeedsOneOf<TBuilder>(this TBuilder endpoint, params string[] rights) where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new NeededRights(rights));

    /// <summary>Needs no right.</summary>
    public static TBuilder ForEverybodySignedIn<TBuilder>(this TBuilder endpoint, string why) where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new ForEverybodySignedIn(why));
}
