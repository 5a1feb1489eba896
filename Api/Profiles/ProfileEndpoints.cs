using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Profiles;

/// <summary><c>/api/v1/profiles</c>.</summary>
internal static class ProfileEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var profiles = api.MapGroup("/profiles").Needs(Rights.ProfileRead).WithinSchools().WithTags("Profiles");
        profiles.MapGet("", List).WithQuery("q", "after", "limit").Fails(400);
        profiles.MapPost("", Create).Needs(Rights.ProfileChange).Takes<ProfileRequest>(BodyLimit.Command).Idempotent()
            .Audit(AuditVerbs.ProfileCreate, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        profiles.MapGet("/{id}", Get).Fails(404);
        profiles.MapPut("/{id}", Change).Needs(Rights.ProfileChange).Takes<ProfileRequest>(BodyLimit.Command)
            .Audit(AuditVerbs.ProfileChange, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        profiles.MapDelete("/{id}", Delete).Needs(Rights.ProfileChange).WithQuery("expected", "remove", "confirmation")
            .Audit(AuditVerbs.ProfileDelete, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 404, 409, 412);
        profiles.MapGet("/{id}/versions", Versions).WithQuery("after", "limit").Fails(400, 404);
        profiles.MapGet("/{id}/versions/{version}", Version).Fails(400, 404);
        profiles.MapPost("/{id}/versions/{version}/restore", Restore).Needs(Rights.ProfileChange).Idempotent()
            .Audit(AuditVerbs.ProfileChange, AuditTargets.Profile, AuditPlace.WithTheChange).WithQuery("note").Fails(400, 404, 409, 412, 413, 415, 422);
        profiles.MapGet("/{id}/compare", Compare).WithQuery("from", "to").Fails(400, 404);
        profiles.MapGet("/{id}/mobileconfig", Download).WithQuery("version", "reason").Produces<string>(200, ConfigurationProfile.ContentType).Fails(400, 404);
        profiles.MapPost("/{id}/install", Install).Needs(Rights.OperationStart, Rights.CommandSend).Takes<ProfileSendRequest>(BodyLimit.Operation).Idempotent().WithQuery("dryRun")
            .Produces<OperationPlanView>(200).Produces<OperationStarted>(202)
            .Audit(AuditVerbs.ProfileInstall, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        profiles.MapPost("/{id}/remove", Remove).Needs(Rights.OperationStart, Rights.CommandSend).Takes<ProfileSendRequest>(BodyLimit.Operation).Idempotent().WithQuery("dryRun")
            .Produces<OperationPlanView>(200).Produces<OperationStarted>(202)
            .Audit(AuditVerbs.ProfileRemove, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        profiles.MapGet("/{id}/link", Link).Fails(404);
        profiles.MapPut("/{id}/link", Publish).Needs(Rights.ProfileChange).Takes<ProfileLinkRequest>()
            .Audit(AuditVerbs.ProfilePublish, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 404, 413, 415, 422);
        profiles.MapDelete("/{id}/link", Withdraw).Needs(Rights.ProfileChange).Audit(AuditVerbs.ProfilePublish, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(404);
        profiles.MapGet("/{id}/offer", Offer).Fails(404);
        profiles.MapPut("/{id}/offer", SetOffer).Needs(Rights.ProfileChange).Takes<ProfileOfferRequest>()
            .Audit(AuditVerbs.ProfileOffer, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 404, 413, 415, 422);
        profiles.MapGet("/{id}/devices", Devices).WithQuery("state", "after", "limit").Fails(400, 404);
        api.MapGet("/devices/{id}/library-profiles", OfDevice).Needs(Rights.DeviceRead, Rights.ProfileRead).WithTags("Profiles").WithQuery("after", "limit").Fails(400, 404);
    }

    /// <summary>List the profiles of the library, by name</summary>
    /// <param name="q">Part of the name or the identifier, in whatever case.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ProfileSummary>>> List(
        ProfileLibrary library, [FromQuery] string? q = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await library.List(q, after, Page.Limit(limit)));

    /// <summary>Put a profile into the library</summary>
    /// <remarks>
    /// As JSON (<c>profile</c> with Apple's keys), as a <c>.mobileconfig</c> file with <c>Content-Type: application/x-apple-aspen-config</c>, or as a form
    /// (<c>multipart/form-data</c>) with the file as <c>profile</c> and a <c>note</c>. A file may be signed: then it is sent to iPads byte for byte as it is.
    /// PayloadVersion, PayloadUUID and the identifiers of payloads are made where they are missing. 409: another profile of the library has this
    /// PayloadIdentifier. 422: iPads would refuse the profile; <c>errors</c> names each place. Keys that are not known are taken, and named in
    /// <c>warnings</c>. At most 4 MiB, and 5,000 profiles.
    /// </remarks>
    public static async Task<Created<ProfileSaved>> Create(HttpContext context, ProfileLibrary library)
    {
        var saved = await library.Create(context, await ProfileInput.Read(context));
        EntityTag.Write(context, saved.Version);
        return TypedResults.Created($"/api/v1/profiles/{saved.Id}", saved);
    }

    /// <summary>One profile with what is in it</summary>
    /// <remarks>In the place of each secret stands <c>(hidden)</c>. The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<ProfileView>> Get(string id, HttpContext context, ProfileLibrary library)
    {
        var profile = await library.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, profile.Version);
        return TypedResults.Ok(profile);
    }

    /// <summary>Change a profile</summary>
    /// <remarks>
    /// Takes what <c>POST /api/v1/profiles</c> takes, as a whole, and makes a new version. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with
    /// <c>*</c> to write over whatever stands. 412: somebody else has changed the profile in between; nothing was saved. 428: there is no If-Match.
    /// Where <c>(hidden)</c> stands, the secret stays as it is. iPads keep the version that they have until the new one is installed.
    /// </remarks>
    public static async Task<Ok<ProfileSaved>> Change(string id, HttpContext context, ProfileLibrary library)
    {
        var basedOn = EntityTag.Required(context);
        var saved = await library.NewVersion(context, id, basedOn, await ProfileInput.Read(context));
        EntityTag.Write(context, saved.Version);
        return TypedResults.Ok(saved);
    }

    /// <summary>Delete a profile from the library</summary>
    /// <remarks>All its versions are deleted. On iPads it stays, unless <c>remove=true</c> is sent. 409: iPads have it; the answer says how many.
    /// <c>If-Match</c> with an <c>ETag</c> is honoured: 412 when somebody else has changed the profile in between.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="expected">How many iPads have it. Needed when any have.</param>
    /// <param name="remove">true: remove it from these iPads too. An operation does that.</param>
    /// <param name="confirmation">Of the dry run of <c>POST /api/v1/profiles/{id}/remove</c> with the target <c>{"holders": true}</c>. Needed to remove it from more than one iPad.</param>
    public static async Task<Ok<ProfileDeleted>> Delete(
        string id, HttpContext context, ProfileLibrary library, [FromQuery] string? expected = null, [FromQuery] string? remove = null,
        [FromQuery] string? confirmation = null)
    {
        long? count = expected is null ? null : Text.Number("expected", expected, 0, int.MaxValue, 0);
        return TypedResults.Ok(await library.Delete(context, id, count, Text.Flag("remove", remove) ?? false, confirmation, EntityTag.Optional(context)));
    }

    /// <summary>List the versions of a profile, newest first</summary>
    /// <remarks>The last 100 are kept.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ProfileVersionSummary>>> Versions(
        string id, ProfileLibrary library, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await library.Versions(id, after, Page.Limit(limit)));

    /// <summary>One version of a profile with what is in it</summary>
    /// <param name="id">Of the profile.</param>
    /// <param name="version">1 for the first.</param>
    public static async Task<Ok<ProfileVersionView>> Version(string id, string version, ProfileLibrary library) =>
        TypedResults.Ok(await library.Version(id, Number("version", version)));

    /// <summary>Go back to an old version</summary>
    /// <remarks>Makes a new version with the content of the old one. <c>If-Match</c> with an <c>ETag</c> is honoured: 412 when somebody else has changed the
    /// profile in between. The note may stand in a JSON body instead: <c>{"note": "…"}</c>.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="version">Which content.</param>
    /// <param name="note">Why, for the list of versions.</param>
    public static async Task<Ok<ProfileSaved>> Restore(string id, string version, HttpContext context, ProfileLibrary library, [FromQuery] string? note = null)
    {
        if ((await RequestBody.ReadAsync(context)).Length > 0)
        {
            var body = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ProfileRestoreRequest);
            if (note is not null && body.Note is not null) throw ApiProblem.Field("note", "It stands in the address and in the body. Send it once.");
            note ??= body.Note;
        }

        var saved = await library.GoBack(context, id, Number("version", version), EntityTag.Optional(context), note);
        EntityTag.Write(context, saved.Version);
        return TypedResults.Ok(saved);
    }

    /// <summary>Compare two versions, key by key</summary>
    /// <param name="id">Of the profile.</param>
    /// <param name="from">The version before.</param>
    /// <param name="to">The version after.</param>
    public static async Task<Ok<ProfileComparisonView>> Compare(string id, ProfileLibrary library, [FromQuery] string? from = null, [FromQuery] string? to = null) =>
        TypedResults.Ok(await library.Compare(id, Number("from", from), Number("to", to)));

    /// <summary>Download a profile</summary>
    /// <remarks>The <c>.mobileconfig</c> file, signed as <c>Profiles:Signing</c> says. One with variables is not signed, and has the variables in it. When it
    /// holds secrets: 403 for a token that may not see secrets, 400 when you do not say why, and each download is recorded with the reason.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="version">The newest when absent.</param>
    /// <param name="reason">Why you read its secrets, if it has any. The header Audit-Reason does as well.</param>
    public static async Task<IResult> Download(string id, HttpContext context, ProfileLibrary library, [FromQuery] string? version = null, [FromQuery] string? reason = null)
    {
        var (bytes, name) = await library.Download(context, id, version is null ? null : Number("version", version), reason);
        return TypedResults.File(bytes, ConfigurationProfile.ContentType, $"{name}.mobileconfig");
    }

    /// <summary>Install a profile on iPads</summary>
    /// <remarks>As an operation: on one iPad, on a list, on all that a filter finds, on all that were sent it before (<c>holders</c>), or on every enrolled
    /// one. A profile with variables is filled in for each iPad when it comes. Where a variable is empty, the command of that iPad alone ends with an error that
    /// says so. iPads that would refuse it, by what is known of them, are left out and named (<c>leftOut</c>): a payload of the profile needs supervision or a newer
    /// iPadOS, or is not for their channel. <c>"force": true</c> sends it to them too. What iPads would install and ignore stands in <c>warnings</c>. <c>dryRun</c>
    /// answers 200 with what would be done. 422: none of them can take it.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static Task<IResult> Install(string id, HttpContext context, ProfileLibrary library, [FromQuery] string? dryRun = null) => Send(id, context, library, remove: false, dryRun);

    /// <summary>Remove a profile from iPads</summary>
    /// <remarks>As an operation. The library keeps the profile. <c>dryRun</c> answers 200 with what would be done. For more than one iPad the start needs the
    /// <c>confirmation</c> that a dry run of the same request returned. 409: it is missing or too old, or there are more or fewer iPads by now; <c>found</c> says how
    /// many.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static Task<IResult> Remove(string id, HttpContext context, ProfileLibrary library, [FromQuery] string? dryRun = null) => Send(id, context, library, remove: true, dryRun);

    private static async Task<IResult> Send(string id, HttpContext context, ProfileLibrary library, bool remove, string? dryRun)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ProfileSendRequest);
        if (Text.Flag("dryRun", dryRun) ?? false) return TypedResults.Ok(await library.Plan(context, id, request, remove));
        var started = await (remove ? library.Remove(context, id, request) : library.Install(context, id, request));
        return TypedResults.Accepted($"/api/v1/operations/{started.Id}", started);
    }

    /// <summary>The link by which everybody can get a profile</summary>
    /// <remarks>For iPads that nobody manages. 404: the profile is not public.</remarks>
    public static async Task<Ok<ProfileLinkView>> Link(string id, HttpContext context, ProfileLibrary library) =>
        TypedResults.Ok(await library.Link(context, id) ?? throw ApiProblem.NotFound("The profile is not public."));

    /// <summary>Make a profile public, or give it a new link</summary>
    /// <remarks>Whoever opens the link gets a page with the newest version of the profile, without signing in. A link that it had before leads nowhere from then
    /// on. 422: the profile has variables; or it has secrets, and <c>secretsToo</c> is not true.</remarks>
    public static async Task<Ok<ProfileLinkView>> Publish(string id, HttpContext context, ProfileLibrary library)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ProfileLinkRequest);
        return TypedResults.Ok(await library.Publish(context, id, request.SecretsToo));
    }

    /// <summary>To whom a profile is offered</summary>
    public static async Task<Ok<ProfileOfferView>> Offer(string id, ProfileLibrary library) => TypedResults.Ok(ProfileOfferView.Of(await library.Row(id)));

    /// <summary>Offer a profile to people who sign in for themselves</summary>
    /// <remarks>They find its newest version at <c>/my</c>, and download it. An empty list offers it to nobody. 422: the profile has variables; or it has secrets, and
    /// <c>secretsToo</c> is not true.</remarks>
    public static async Task<Ok<ProfileOfferView>> SetOffer(string id, HttpContext context, ProfileLibrary library)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ProfileOfferRequest);
        return TypedResults.Ok(await library.SetOffer(context, id, request.To, request.SecretsToo));
    }

    /// <summary>Withdraw the link of a profile</summary>
    /// <remarks>Nobody gets it by the link any more. iPads that have it keep it.</remarks>
    public static async Task<NoContent> Withdraw(string id, HttpContext context, ProfileLibrary library)
    {
        await library.Withdraw(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>The iPads that were sent a profile, and how it stands on each</summary>
    /// <remarks>Made from what was sent last, and from what the iPad last answered to ProfileList.</remarks>
    /// <param name="id">Of the profile.</param>
    /// <param name="state">onItsWay, beingRemoved, failed, notSent, installed, otherVersion, removedOnDevice, removalFailed or removed. Absent: all.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ProfileStandingView>>> Devices(
        string id, HttpContext context, ProfileLibrary library, [FromQuery] string? state = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await library.Devices(FleetUser.Of(context), id, state, after, Page.Limit(limit)));

    /// <summary>The profiles of the library on an iPad</summary>
    /// <remarks>What it was sent, and how each stands there. <c>GET /api/v1/devices/{id}/profiles</c> lists all profiles that the iPad has, wherever they are
    /// from.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ProfileStandingView>>> OfDevice(
        string id, ProfileLibrary library, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await library.OfDevice(id, after, Page.Limit(limit)));

    private static int Number(string field, string? value) => value is null
        ? throw ApiProblem.Field(field, "It is required.")
        : Text.Number(field, value, 1, int.MaxValue, 1);
}
