using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Access;

/// <summary><c>/api/v1/tokens</c>.</summary>
internal static class TokenEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var tokens = api.MapGroup("/tokens").Needs(Rights.TokenRead).WithTags("Tokens");
        tokens.MapPost("", Create).Needs(Rights.TokenChange).Idempotent().Audit(AuditVerbs.TokenCreate, AuditTargets.Token).AnswersSecret()
            .Takes<TokenRequest>().Fails(400, 409, 413, 415, 422);
        tokens.MapGet("", List).Fails();
        tokens.MapGet("/{id}", Get).Fails(404);
        tokens.MapDelete("/{id}", Revoke).Needs(Rights.TokenChange).WithQuery("descendants").Audit(AuditVerbs.TokenRevoke, AuditTargets.Token).Fails(400, 404, 409);
    }

    /// <summary>Make an API token</summary>
    /// <remarks>The token is in this answer and nowhere else: the server keeps its SHA-256 only. It expires after 90 days unless you say otherwise;
    /// expiresAt in the answer says when. The same request with the same Idempotency-Key gives the same token again.</remarks>
    public static async Task<Created<TokenMade>> Create(HttpContext context, TokenService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.TokenRequest);
        var made = await service.Create(context, request);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/api/v1/tokens/{made.Description.Id}", made);
    }

    /// <summary>List API tokens, newest first, without their secrets</summary>
    public static async Task<Ok<Page<TokenView>>> List(TokenService service) =>
        TypedResults.Ok(new Page<TokenView>(await service.Views(await service.List()), null));

    /// <summary>One token, and what was made with it</summary>
    public static async Task<Ok<TokenDetailView>> Get(string id, TokenService service)
    {
        var (token, made) = await service.Find(id);
        return TypedResults.Ok(new TokenDetailView { Token = (await service.Views([token]))[0], Descendants = await service.Views(made) });
    }

    /// <summary>Revoke an API token, and those that were made with it</summary>
    /// <remarks>Every node refuses it within 5 seconds, and the sessions that were begun with it end. So do all tokens that were made with it, and
    /// with those: GET shows them first.</remarks>
    /// <param name="id">Of the token.</param>
    /// <param name="descendants">keep: those that were made with it go on.</param>
    public static async Task<NoContent> Revoke(string id, HttpContext context, TokenService service, [FromQuery] string? descendants = null)
    {
        if (descendants is not (null or "keep" or "revoke")) throw ApiProblem.Field("descendants", "It must be keep or revoke.");
        await service.Revoke(context, id, keepDescendants: descendants == "keep");
        return TypedResults.NoContent();
    }
}

/// <summary>A token to make.</summary>
public sealed record TokenRequest
{
    /// <summary>For people: whose it is, or which program's. At most 200 characters.</summary>
    public required string Name { get; init; }
    /// <summary>The name of a role (GET /api/v1/roles): viewer (may read), administrator (may do everything), helpdesk, school-technician, district-administrator,
    /// auditor, or one that was added. You cannot give rights that your own token does not have.</summary>
    public required string Role { get; init; }
    /// <summary>Until when it is valid; absent: 90 days from now.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>true: a viewer with it may see secrets, which are links of open invitations and iPads' answers with secrets in them. Each such look is
    /// recorded. Only with the role viewer; other roles have the right secret.read or not.</summary>
    public bool Secrets { get; init; }
    /// <summary>1 to 100 schools, each by its id, code or name: the token sees and changes only what is theirs. Absent: the whole district. Rights that nobody has for single
    /// schools (GET /api/v1/rights) are of no use to it then.</summary>
    public IReadOnlyList<string>? Schools { get; init; }
}

/// <summary>A token that was made: the only time that it is shown.</summary>
public sealed record TokenMade
{
    /// <summary>For <c>Authorization: Bearer …</c>.</summary>
    public required string Token { get; init; }
    public required TokenView Description { get; init; }
}

/// <summary>A token without its secret.</summary>
public sealed record TokenView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    /// <summary>The name of its role.</summary>
    public required string Role { get; init; }
    /// <summary>Of its role, for people.</summary>
    public required string RoleTitle { get; init; }
    /// <summary>What it may do: what its role has now, and for some schools only what can be had for them.</summary>
    public required IReadOnlyList<string> Rights { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>The name that the token which asked for it had; server for the first one.</summary>
    public required string CreatedBy { get; init; }
    /// <summary>Its id; absent for the first one, and for tokens of earlier versions.</summary>
    public string? CreatedById { get; init; }
    /// <summary>Absent: never, which only tokens of earlier versions have.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    /// <summary>At most a minute late; absent: not used yet.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
    /// <summary>Whether it may see secrets.</summary>
    public required bool Secrets { get; init; }
    /// <summary>The schools that it is for; absent: the whole district.</summary>
    public IReadOnlyList<TokenSchoolView>? Schools { get; init; }

    internal static TokenView Of(TokenDescription token) => new()
    {
        Id = token.Id,
        Name = token.Name,
        Role = TokenRole.NameOf(token),
        RoleTitle = TokenRole.Of(token).Title,
        Rights = [.. TokenRole.Of(token).Rights.Where(right => token.Schools is null || Access.Rights.Of(right).ForSchools).Order(StringComparer.Ordinal)],
        CreatedAt = token.CreatedAt,
        CreatedBy = token.CreatedBy,
        CreatedById = token.CreatedById,
        ExpiresAt = token.ExpiresAt,
        RevokedAt = token.RevokedAt,
        LastUsedAt = token.LastUsedAt,
        Secrets = TokenRole.Of(token).Rights.Contains(Access.Rights.SecretRead),
    };

    /// <summary>For people: works, revoked or expired.</summary>
    internal string StateAt(DateTimeOffset now) => RevokedAt is not null ? "revoked" : ExpiresAt <= now ? "expired" : "open";
}

/// <summary>A school that a token is for.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Absent: it was deleted.</param>
public sealed record TokenSchoolView(string Id, string? Name)
{
    internal static TokenSchoolView Of(Storage.Schools.School school) => new(school.Id, school.Name);
}

/// <summary>A token with those that were made with it, and with those.</summary>
public sealed record TokenDetailView
{
    public required TokenView Token { get; init; }
    /// <summary>Oldest first; revoked ones included.</summary>
    public required IReadOnlyList<TokenView> Descendants { get; init; }
}
