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
        var tokens = pages.MapGroup("/tokens").Needs(Rights.TokenRead);
        tokens.MapGet("", List);
        tokens.MapGet("/new", AskCreate).Needs(Rights.TokenChange);
        tokens.MapPost("", Create).Needs(Rights.TokenChange).Audit(AuditVerbs.TokenCreate, AuditTargets.Token);
        tokens.MapGet("/{id}/revoke", Ask).Needs(Rights.TokenChange);
        tokens.MapPost("/{id}/revoke", Revoke).Needs(Rights.TokenChange).Audit(AuditVerbs.TokenRevoke, AuditTargets.Token);
    }

    private static Task<RazorComponentResult<TokensPage>> List(HttpContext context, TokenService service, TimeProvider time, string? done) =>
        Page(context, service, time, made: null, done == "revoked" ? "The token is revoked." : null);

    private static Task<RazorComponentResult<TokenNewPage>> AskCreate(HttpContext context, RoleService roles) => NewPage(context, roles, FormState.Fresh);

    /// <summary>Offers the roles that the reader can give.</summary>
    private static async Task<RazorComponentResult<TokenNewPage>> NewPage(HttpContext context, RoleService roles, FormState form)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Roles = (await roles.List()).Where(role => role.Rights.All(user.May)).ToList(), FormKey = PageForms.NewKey(), Form = form })
        {
            StatusCode = form.Status,
        };
    }

    /// <summary>The page itself holds the new token: a redirect would have to carry it.</summary>
    private static async Task<IResult> Create(HttpContext context, RequestIds ids, TokenService service, RoleService roles, TimeProvider time)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var days = Text.Number("expiresInDays", PageForms.Number(form, "expiresInDays") ?? (int)TokenService.Lives.TotalDays, 1, MostDays);
            var made = await service.Create(context, new TokenRequest
            {
                Name = form.Get("name") ?? "",
                Role = form.Get("role") ?? "",
                ExpiresAt = time.GetUtcNow().AddDays(days),
                Secrets = form.Get("secrets") is not null,
                Schools = form.Get("schools")?.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            });
            return await Page(context, service, time, made, null);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status403Forbidden)
        {
            return await NewPage(context, roles, FormState.Refused(problem, form.Get));
        }
    }

    private static Task<RazorComponentResult<TokenRevokePage>> Ask(string id, HttpContext context, TokenService service, TimeProvider time) =>
        AskWith(id, context, service, time, FormState.Fresh);

    private static async Task<IResult> Revoke(string id, HttpContext context, RequestIds ids, TokenService service, TimeProvider time)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Revoke(context, id, keepDescendants: form.Get("descendants") == "keep");
        }
        catch (ApiProblem problem) when (problem.Status is StatusCodes.Status409Conflict or StatusCodes.Status403Forbidden)
        {
            return await AskWith(id, context, service, time, FormState.Refused(problem, form.Get));
        }

        return PageForms.See("/tokens?done=revoked");
    }

    private static async Task<RazorComponentResult<TokenRevokePage>> AskWith(
        string id, HttpContext context, TokenService service, TimeProvider time, FormState form)
    {
        var (token, made) = await service.Find(id);
        var now = time.GetUtcNow();
        return new RazorComponentResult<TokenRevokePage>(new
        {
            User = FleetUser.Of(context),
            Token = (await service.Views([token]))[0],
            Descendants = (await service.Views(made)).Where(one => one.StateAt(now) == "open").ToList(),
            Form = form,
        })
        {
            StatusCode = form.Status,
        };
    }

    private static async Task<RazorComponentResult<TokensPage>> Page(
        HttpContext context, TokenService service, TimeProvider time, TokenMade? made, string? done)
    {
        var now = time.GetUtcNow();
        var user = FleetUser.Of(context);
        var tokens = (await service.Views(await service.List())).Select(token => new TokenRow(token, token.StateAt(now), token.Id == user.TokenId)).ToList();
        return new RazorComponentResult<TokensPage>(new { View = new TokensView(user, tokens, made, await service.Hint(user), done) });
    }
}

/// <summary>A token in the list.</summary>
/// <param name="State">open, revoked or expired.</param>
/// <param name="IsYours">The reader is signed in with it.</param>
public sealed record TokenRow(TokenView Token, string State, bool IsYours);

/// <summary>What the list of tokens shows.</summary>
/// <param name="Made">The token that was just made: the only time that it is shown.</param>
/// <param name="Hint">Null: nothing to say.</param>
public sealed record TokensView(FleetUser User, IReadOnlyList<TokenRow> Tokens, TokenMade? Made, TokenHint? Hint, string? Done);
