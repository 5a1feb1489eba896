using FleetMdm.Api.Rest;
using FleetMdm.Storage;

namespace FleetMdm.Api.Access;

/// <summary>Something that an address names, and that belongs to a school or to the district. The room that owns it adds one to the services.</summary>
/// <param name="Routes">What an address begins with, in REST and in the console, up to the name: <c>/ipads/{id}</c>.</param>
/// <param name="Name">Of the part that names it.</param>
/// <param name="Exists">Whether it exists for these rights.</param>
/// <param name="NotFound">What is answered when it does not: the same as when nobody has it.</param>
internal sealed record ScopedThing(string[] Routes, string Name, Func<Scope, string, Task<bool>> Exists, Func<ApiProblem> NotFound)
{
    public bool Stands(string? route) => route is not null && Array.Exists(Routes, begin =>
        route.StartsWith(begin, StringComparison.Ordinal) && (route.Length == begin.Length || route[begin.Length] == '/'));
}

/// <summary>Before any endpoint whose address names an iPad, an operation or an invitation: whether it exists for the one who asks. Out of their schools it does not: 404.</summary>
/// <remarks>Here, and not in each endpoint, so that none can forget it: what the endpoint then asks by the id (a store, a grain) it asks for the district. Who has rights for the
/// whole district pays nothing.</remarks>
internal sealed class ScopeGuard(IEnumerable<ScopedThing> things)
{
    private readonly ScopedThing[] _things = [.. things];

    /// <summary>Whether a token that is for some schools may come in.</summary>
    public bool IsForSchools(Endpoint? endpoint) =>
        endpoint is not null && (endpoint.Metadata.GetMetadata<ForSchools>() is not null || endpoint.Metadata.GetMetadata<ForEverybodySignedIn>() is not null || Guarded(endpoint).Any());

    /// <exception cref="ApiProblem">404.</exception>
    public async Task Check(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint || FleetUser.Find(context.User) is not { IsOfDistrict: false } user) return;
        foreach (var thing in Guarded(endpoint))
        {
            if (context.Request.RouteValues[thing.Name] is not string id || !await thing.Exists(user.Scope, id)) throw thing.NotFound();
        }
    }

    private IEnumerable<ScopedThing> Guarded(Endpoint endpoint) => endpoint is RouteEndpoint route ? _things.Where(thing => thing.Stands(route.RoutePattern.RawText)) : [];

    /// <summary>After the authorization, before the endpoint.</summary>
    internal sealed class Middleware(RequestDelegate next, ScopeGuard guard)
    {
        public async Task Invoke(HttpContext context)
        {
            await guard.Check(context);
            await next(context);
        }
    }
}
