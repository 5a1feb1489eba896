using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/account</c> and <c>/sessions</c>: what people do with their own account.</summary>
internal static class OwnAccountPages
{
    private const string Own = "It is about the account of whoever asks.";

    public static void MapPages(RouteGroupBuilder pages)
    {
        var account = pages.MapGroup("/account").ForEverybodySignedIn(Own);
        account.MapGet("", Show);
        account.MapGet("/password", AskPassword);
        account.MapPost("/password", SetPassword).Audit(AuditVerbs.AccountPassword, AuditTargets.Account, AuditPlace.WithTheChange);
        account.MapGet("/totp", AskTotp);
        account.MapPost("/totp", SetUpTotp).Audit(AuditVerbs.AccountTotp, AuditTargets.Account, AuditPlace.WithTheChange);
        account.MapPost("/totp/remove", RemoveTotp).Audit(AuditVerbs.AccountTotpRemove, AuditTargets.Account, AuditPlace.WithTheChange);
        account.MapPost("/recovery-codes", NewRecoveryCodes).Audit(AuditVerbs.AccountRecoveryCodes, AuditTargets.Account, AuditPlace.WithTheChange);
        account.MapGet("/passkeys", ShowPasskeys);
        account.MapPost("/passkeys/begin", BeginPasskey).Audit(AuditVerbs.AccountPasskey, AuditTargets.Account);
        account.MapPost("/passkeys", AddPasskey).Audit(AuditVerbs.AccountPasskey, AuditTargets.Account, AuditPlace.WithTheChange);
        account.MapPost("/passkeys/{passkey}/remove", RemovePasskey).Audit(AuditVerbs.AccountPasskeyRemove, AuditTargets.Account, AuditPlace.WithTheChange);
        var sessions = pages.MapGroup("/sessions").ForEverybodySignedIn(Own);
        sessions.MapGet("", Sessions);
        sessions.MapPost("/end", EndOthers).Audit(AuditVerbs.SessionEnd, AuditTargets.Account);
        sessions.MapPost("/{session}/end", End).Audit(AuditVerbs.SessionEnd, AuditTargets.Account);
    }

    private static async Task<RazorComponentResult<OwnAccountPage>> Show(HttpContext context, OwnAccountService service, string? done)
    {
        var own = await service.Of(context);
        return new(new
        {
            User = FleetUser.Of(context),
            Account = AccountView.Of(own.Account),
            Role = own.Role,
            Done = done switch
            {
                "password" => "The password is changed. Your other sessions have ended.",
                "totp-removed" => "The second step is removed.",
                _ => null,
            },
        });
    }

    private static async Task<RazorComponentResult<OwnPasswordPage>> AskPassword(HttpContext context, OwnAccountService service) => Password(context, await service.Of(context), FormState.Fresh);

    private static async Task<IResult> SetPassword(HttpContext context, OwnAccountService service)
    {
        var form = await FormBody.ReadAsync(context);
        try
        {
            await service.ChangePassword(context, form.Exactly("present"), form.Exactly("password"), form.Exactly("again"));
            return PageForms.See("/account?done=password");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return Password(context, await service.Of(context), FormState.Refused(problem));
        }
    }

    private static RazorComponentResult<OwnPasswordPage> Password(HttpContext context, SignedInAccount own, FormState form) =>
        new(new { User = FleetUser.Of(context), UserName = own.Account.UserName, Form = form }) { StatusCode = form.Status };

    private static async Task<RazorComponentResult<TotpPage>> AskTotp(HttpContext context, OwnAccountService service) => SecondStep(context, service, await service.Of(context), FormState.Fresh, null);

    private static async Task<IResult> SetUpTotp(HttpContext context, OwnAccountService service)
    {
        var form = await FormBody.ReadAsync(context);
        try
        {
            var codes = await service.SetUpTotp(context, form.Exactly("present"), form.Get("offer"), form.Get("code"));
            return Codes(context, codes, "The second step is set up.");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return SecondStep(context, service, await service.Of(context), FormState.Refused(problem), form.Get("offer"));
        }
    }

    private static async Task<IResult> RemoveTotp(HttpContext context, OwnAccountService service)
    {
        var form = await FormBody.ReadAsync(context);
        try
        {
            await service.RemoveTotp(context, form.Exactly("present"));
            return PageForms.See("/account?done=totp-removed");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return SecondStep(context, service, await service.Of(context), FormState.Refused(problem), null);
        }
    }

    private static async Task<IResult> NewRecoveryCodes(HttpContext context, OwnAccountService service)
    {
        var form = await FormBody.ReadAsync(context);
        try
        {
            return Codes(context, await service.NewRecoveryCodes(context, form.Exactly("present")), "The earlier codes have ended.");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return SecondStep(context, service, await service.Of(context), FormState.Refused(problem), null);
        }
    }

    private static RazorComponentResult<TotpPage> SecondStep(HttpContext context, OwnAccountService service, SignedInAccount own, FormState form, string? offered)
    {
        var offer = own.Account.TotpAt is null ? service.Offer(own, offered) : null;
        return new(new
        {
            User = FleetUser.Of(context),
            Account = AccountView.Of(own.Account),
            Offer = offer,
            QrCode = offer is null ? null : QrImage.Svg(offer.Address),
            Form = form,
        })
        { StatusCode = form.Status };
    }

    /// <summary>The page itself holds the codes: a redirect would have to carry them.</summary>
    private static RazorComponentResult<RecoveryCodesPage> Codes(HttpContext context, IReadOnlyList<string> codes, string done) =>
        new(new { User = FleetUser.Of(context), Codes = codes, Done = done });

    private static async Task<RazorComponentResult<PasskeysPage>> ShowPasskeys(HttpContext context, OwnAccountService service, PasskeyService passkeys, string? done) => await Passkeys(
        context, service, passkeys, FormState.Fresh, done switch { "added" => "The passkey is added. You can sign in with it now.", "removed" => "The passkey is removed. Delete it on the device too.", _ => null });

    private static async Task<IResult> BeginPasskey(HttpContext context, OwnAccountService service, PasskeyService passkeys)
    {
        var form = await FormBody.ReadAsync(context);
        try
        {
            return new RazorComponentResult<PasskeyAddPage>(new { User = FleetUser.Of(context), Offer = await passkeys.BeginAdding(context, form.Get("name"), form.Exactly("present")) });
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Passkeys(context, service, passkeys, FormState.Refused(problem, form.Get), null);
        }
    }

    private static async Task<IResult> AddPasskey(HttpContext context, OwnAccountService service, PasskeyService passkeys)
    {
        var form = await FormBody.ReadAsync(context);
        try
        {
            await passkeys.Add(context, form.Get("offer"), form.Get("credential"));
            return PageForms.See("/account/passkeys?done=added");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Passkeys(context, service, passkeys, FormState.Refused(problem), null);
        }
    }

    private static async Task<IResult> RemovePasskey(string passkey, HttpContext context, PasskeyService passkeys)
    {
        await passkeys.Remove(context, passkey);
        return PageForms.See("/account/passkeys?done=removed");
    }

    private static async Task<RazorComponentResult<PasskeysPage>> Passkeys(HttpContext context, OwnAccountService service, PasskeyService passkeys, FormState form, string? done)
    {
        var own = await service.Of(context);
        return new(new { User = FleetUser.Of(context), Account = AccountView.Of(own.Account), Passkeys = await passkeys.List(own), Form = form, Done = done }) { StatusCode = form.Status };
    }

    private static async Task<RazorComponentResult<SessionsPage>> Sessions(HttpContext context, OwnAccountService service, string? done)
    {
        var own = await service.Of(context);
        return new(new
        {
            User = FleetUser.Of(context),
            Sessions = await service.Sessions(own),
            Present = own.Session.Id,
            Done = done switch { "ended" => "The session has ended.", "others" => "All other sessions have ended.", _ => null },
        });
    }

    private static async Task<IResult> EndOthers(HttpContext context, OwnAccountService service)
    {
        await service.EndSessions(context, null);
        return PageForms.See("/sessions?done=others");
    }

    private static async Task<IResult> End(string session, HttpContext context, OwnAccountService service)
    {
        await service.EndSessions(context, session);
        return PageForms.See("/sessions?done=ended");
    }
}
