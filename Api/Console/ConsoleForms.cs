using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Admin;
using FleetMdm.Api.Auth;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Console;

/// <summary>What the pages' forms do. Each answers with a redirect to the page that shows the result, so that going back or
/// reloading does nothing twice; a form that is sent twice all the same does its work once, by its hidden key.</summary>
internal static class ConsoleForms
{
    private const int LongestKey = 64;

    public static async Task<IResult> CreateInvitation(HttpContext context, RequestIds ids, InvitationService service)
    {
        var form = await Read(context, ids);
        var invitation = await service.Create(context, new InvitationRequest
        {
            Name = form.Get("name"),
            School = form.Get("school"),
            MaxUses = Number(form, "maxUses"),
            ExpiresInDays = Number(form, "expiresInDays"),
        });
        return See($"/invitations/{invitation.Id}");
    }

    public static async Task<IResult> RevokeInvitation(string id, IEnrolmentStore store, TimeProvider time)
    {
        if (!OneTimeChallenge.IsInvitationId(id) || !await store.RevokeInvitation(id, time.GetUtcNow())) throw InvitationEndpoints.NotFound();
        return See($"/invitations/{id}");
    }

    public static Task<IResult> Push(string id, HttpContext context, DeviceLookup lookup, CommandLog log) =>
        OnDevicePage(id, "push", context, lookup, log, () => DeviceEndpoints.RequestPush(lookup, id));

    public static Task<IResult> Query(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log) =>
        OnDevicePage(id, "query", context, lookup, log, () => Send(id, "DeviceInformation", context, ids, lookup, log));

    public static Task<IResult> Lock(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log) =>
        OnDevicePage(id, "lock", context, lookup, log, () => Send(id, "DeviceLock", context, ids, lookup, log));

    public static Task<IResult> Cancel(string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log) =>
        OnDevicePage(id, "cancel", context, lookup, log, () => CommandEndpoints.CancelCommand(lookup, log, id, uuid));

    private static async Task Send(string id, string requestType, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        await Read(context, ids);
        var json = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = requestType });
        await CommandEndpoints.Enqueue(id, context, CommandReader.FromJson(json), null, push: true, lookup, log);
    }

    /// <summary>Does it and shows the iPad's page, with what went wrong if it did.</summary>
    private static async Task<IResult> OnDevicePage(
        string id, string action, HttpContext context, DeviceLookup lookup, CommandLog log, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (ApiProblem problem) when (problem.Status is StatusCodes.Status409Conflict or StatusCodes.Status429TooManyRequests)
        {
            return await ConsolePages.Device(id, context, lookup, log, null, null, problem);
        }

        return See($"/ipads/{Uri.EscapeDataString(id)}?done={action}");
    }

    private static async Task<FormBody> Read(HttpContext context, RequestIds ids)
    {
        var form = await FormBody.ReadAsync(context);
        if (form.Get("key") is { Length: <= LongestKey } key)
            await ids.Bind(context, $"{FleetUser.Of(context).TokenId} {context.Request.Path}", key, claimedAt: null);
        return form;
    }

    private static int? Number(FormBody form, string field) => form.Get(field) is not { } text
        ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ApiProblem.Field(field, "It must be a whole number.");

    private static IResult See(string path) => new SeeOther(path);

    private sealed class SeeOther(string path) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = path;
            return Task.CompletedTask;
        }
    }
}
