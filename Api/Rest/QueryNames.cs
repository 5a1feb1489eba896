namespace FleetMdm.Api.Rest;

/// <summary>Refuses query parameters that an endpoint does not know (a misspelt filter would otherwise mean the whole fleet), and
/// those that stand twice.</summary>
internal static class QueryNames
{
    public static TBuilder WithQuery<TBuilder>(this TBuilder builder, params string[] names) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new Allowed(names));

    public static ValueTask<object?> Check(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        var allowed = context.GetEndpoint()?.Metadata.GetMetadata<Allowed>()?.Names ?? [];
        foreach (var (name, values) in context.Request.Query)
        {
            var shown = Text.Printable(name, 100);
            if (!allowed.Contains(name))
            {
                throw ApiProblem.Field(shown, allowed.Length == 0
                    ? "This path takes no query parameters."
                    : $"There is no such query parameter here; there are {string.Join(", ", allowed)}.");
            }

            if (values.Count != 1) throw ApiProblem.Field(shown, "This query parameter may stand only once.");
        }

        return next(invocation);
    }

    private sealed record Allowed(string[] Names);
}
