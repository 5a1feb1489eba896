using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary>API tokens in the console: their list, a new one (shown once), and the page that asks before one is revoked.</summary>
internal static class TokenPages
{
    private const int MostDays = 3650;

    public static void MapPages(RouteGroupBuilder pages)
    {
        var tokens = pages.MapGroup("/tokens").RequireAuthorization(FleetPolicies.Administer);
        tokens.MapGet("", List);
        tokens.MapPost("", Create).Audit(AuditVerbs.TokenCreate, AuditTargets.Token);
        tokens.MapGet("/{id}/revoke", Ask);
        tokens.MapPost("/{id}/revoke", Revoke).Audit(AuditVerbs.TokenRevoke, AuditTargets.Token);
    }

    private static async Task<RazorComponentResult<TokensPage>> List(HttpContext context, TokenService service, TimeProvider time) =>
        await Page(context, service, time, made: null);

    /// <summary>The page itself holds the new token: a redirect would have to carry it.</summary>
    private static async Task<RazorComponentResult<TokensPage>> Create(HttpContext context, RequestIds ids, TokenService service, TimeProvider time)
    {
        var form = await PageForms.Read(context, ids);
        var days = Text.Number("expiresInDays", PageForms.Number(form, "expiresInDays") ?? (int)TokenService.Lives.TotalDays, 1, MostDays);
        var made = await service.Create(context, new TokenRequest
        {
            Name = form.Get("name") ?? "",
            Role = form.Get("role") ?? "",
            ExpiresAt = time.GetUtcNow().AddDays(days),
            Secrets = form.Get("secrets") is not null,
        });
        context.Response.Headers.CacheControl = "no-store";
        return await Page(context, service, time, made);
    }

    private static Task<RazorComponentResult<TokenRevokePage>> Ask(string id, HttpContext context, TokenService service, TimeProvider time) =>
        AskWith(id, context, service, time, problem: null);

    private static async Task<IResult> Revoke(string id, HttpContext context, RequestIds ids, TokenService service, TimeProvider time)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Revoke(context, id, keepDescendants: form.Get("descendants") == "keep");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status409Conflict)
        {
            return await AskWith(id, context, service, time, problem);
        }

        return PageForms.See("/tokens");
    }

    private static async Task<RazorComponentResult<TokenRevokePage>> AskWith(
        string id, HttpContext context, TokenService service, TimeProvider time, ApiProblem? problem)
    {
        var (token, made) = await service.Find(id);
        var now = time.GetUtcNow();
        return new RazorComponentResult<TokenRevokePage>(new
        {
            User = FleetUser.Of(context),
            Token = TokenView.Of(token),
            Descendants = made.Select(TokenView.Of).Where(one => one.StateAt(now) == "open").ToList(),
            Problem = problem?.Message,
        })
        {
            StatusCode = problem?.Status ?? StatusCodes.Status200OK,
        };
    }

    private static async Task<RazorComponentResult<TokensPage>> Page(HttpContext context, TokenService service, TimeProvider time, TokenMade? made)
    {
        var now = time.GetUtcNow();
        var tokens = (await service.List()).Select(TokenView.Of).Select(token => (token, token.StateAt(now))).ToList();
        return new RazorComponentResult<TokensPage>(new { View = new TokensView(FleetUser.Of(context), tokens, made, PageForms.NewKey()) });
    }
}

/// <summary>What the list of tokens shows.</summary>
/// <param name="Made">The token that was just made: the only time that it is shown.</param>
public sealed record TokensView(FleetUser User, IReadOnlyList<(TokenView Token, string State)> Tokens, TokenMade? Made, string FormKey);
