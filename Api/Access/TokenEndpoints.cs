using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/api/v1/tokens</c>.</summary>
internal static class TokenEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var tokens = api.MapGroup("/tokens").WithTags("Tokens").RequireAuthorization(FleetPolicies.Administer);
        tokens.MapPost("", Create).Idempotent().AnswersSecret().Takes<TokenRequest>().Fails(400, 409, 413, 415, 422);
        tokens.MapGet("", List).Fails();
        tokens.MapDelete("/{id}", Revoke).Fails(404, 409);
    }

    /// <summary>Make an API token</summary>
    /// <remarks>The token is in this answer and nowhere else: the server keeps its SHA-256 only. The same request with the same
    /// Idempotency-Key gives the same token again.</remarks>
    public static async Task<Created<TokenMade>> Create(HttpContext context, IGrainFactory grains, TimeProvider time)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.TokenRequest);
        var name = Text.Required("name", request.Name);
        var role = Text.Name<AccessRole>("role", request.Role) ?? throw ApiProblem.Field("role", "It must be viewer or administrator.");
        if (request.ExpiresAt is { } expires && expires <= time.GetUtcNow()) throw ApiProblem.Field("expiresAt", "It must lie in the future.");

        var secret = ApiToken.From(RequestIds.NewBytes(context, "token-secret", ApiToken.SecretBytes));
        var token = await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).Create(new TokenOrder(
            RequestIds.NewGuid(context, "token").ToString("D"), ApiToken.Hash(secret), name, role, request.ExpiresAt?.ToUniversalTime(),
            FleetUser.Of(context).Name));
        if (token is null)
        {
            throw ApiProblem.Conflict(ProblemCodes.TooManyTokens, "Too many tokens",
                "There are as many API tokens as there may be. Revoke some; they leave the list after 90 days.");
        }

        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/api/v1/tokens/{token.Id}", new TokenMade { Token = secret, Description = TokenView.Of(token) });
    }

    /// <summary>List API tokens, newest first, without their secrets</summary>
    public static async Task<Ok<Page<TokenView>>> List(IGrainFactory grains)
    {
        var tokens = await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).List();
        return TypedResults.Ok(new Page<TokenView>([.. tokens.Select(TokenView.Of)], null));
    }

    /// <summary>Revoke an API token</summary>
    /// <remarks>Every node refuses it within 5 seconds, and the sessions that were begun with it end.</remarks>
    public static async Task<NoContent> Revoke(string id, IGrainFactory grains, TokenVerifier verifier)
    {
        var outcome = Text.Uuid(id) is { } uuid
            ? await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).Revoke(uuid.ToString("D"))
            : TokenRevocation.UnknownToken;
        verifier.Forget();
        return outcome switch
        {
            TokenRevocation.Revoked => TypedResults.NoContent(),
            TokenRevocation.LastAdministrator => throw ApiProblem.Conflict(ProblemCodes.LastAdministrator, "It is the last one",
                "This is the last administrator's token that works. Make another one first."),
            _ => throw ApiProblem.NotFound("There is no token with this id."),
        };
    }
}

/// <summary>A token to make.</summary>
public sealed record TokenRequest
{
    /// <summary>For people: whose it is, or which program's. At most 200 characters.</summary>
    public required string Name { get; init; }
    /// <summary>viewer (may read) or administrator (may change).</summary>
    public required string Role { get; init; }
    /// <summary>Until when it is valid; absent: until it is revoked.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
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
    /// <summary>viewer or administrator.</summary>
    public required string Role { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    internal static TokenView Of(TokenDescription token) => new()
    {
        Id = token.Id,
        Name = token.Name,
        Role = token.Role == AccessRole.Administrator ? "administrator" : "viewer",
        CreatedAt = token.CreatedAt,
        CreatedBy = token.CreatedBy,
        ExpiresAt = token.ExpiresAt,
        RevokedAt = token.RevokedAt,
    };
}
