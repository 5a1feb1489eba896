using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace FleetMdm.Api.Automated;

/// <summary><c>/api/v1/automated</c>.</summary>
internal static class AutomatedEndpoints
{
    private const string Token = "application/pkcs7-mime";
    private const string Binary = "application/octet-stream";

    public static void MapRest(RouteGroupBuilder api)
    {
        var automated = api.MapGroup("/automated").Needs(Rights.AutomatedRead).WithTags("Automated enrolment");
        automated.MapGet("/servers", List).Fails();
        automated.MapPost("/servers", Create).Needs(Rights.AutomatedChange).Takes<AutomatedServerRequest>().Idempotent()
            .Audit(AuditVerbs.AutomatedCreate, AuditTargets.AutomatedServer, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        automated.MapGet("/servers/{id}", Get).Fails(404);
        automated.MapPut("/servers/{id}", Change).Needs(Rights.AutomatedChange).Takes<AutomatedServerRequest>()
            .Audit(AuditVerbs.AutomatedChange, AuditTargets.AutomatedServer, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        automated.MapDelete("/servers/{id}", Delete).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedDelete, AuditTargets.AutomatedServer, AuditPlace.WithTheChange).Fails(404);
        automated.MapGet("/servers/{id}/certificate", Certificate).Produces<string>(200, "application/x-pem-file").Fails(404);
        automated.MapPost("/servers/{id}/key", NewKey).Needs(Rights.AutomatedChange).Idempotent().Audit(AuditVerbs.AutomatedKey, AuditTargets.AutomatedServer, AuditPlace.WithTheChange).Fails(404, 409, 422);
        automated.MapPut("/servers/{id}/token", PutToken).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedToken, AuditTargets.AutomatedServer).Fails(400, 404, 413, 415, 422)
            .AddOpenApiOperationTransformer(DescribeToken);
        automated.MapPost("/servers/{id}/sync", Sync).Needs(Rights.AutomatedChange).WithQuery("all").Idempotent().Audit(AuditVerbs.AutomatedSync, AuditTargets.AutomatedServer).Fails(400, 404, 409, 422);
        automated.MapGet("/devices", Devices).WithQuery("server", "state", "school", "migration", "q", "after", "limit").Fails(400);
        automated.MapGet("/migrations", Migrations).Fails();
        automated.MapGet("/devices/{serialNumber}", Device).Fails(404);
        automated.MapPut("/devices/{serialNumber}/profile", Choose).Needs(Rights.AutomatedChange).Takes<AutomatedChoiceRequest>()
            .Audit(AuditVerbs.AutomatedChoose, AuditTargets.Placeholder, AuditPlace.WithTheChange).Fails(400, 404, 413, 415);
        automated.MapGet("/profiles", Profiles).Fails();
        automated.MapPost("/profiles", CreateProfile).Needs(Rights.AutomatedChange).Takes<AutomatedProfileRequest>().Idempotent()
            .Audit(AuditVerbs.AutomatedProfileCreate, AuditTargets.AutomatedProfile, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        automated.MapGet("/profiles/{id}", Profile).Fails(404);
        automated.MapPut("/profiles/{id}", ChangeProfile).Needs(Rights.AutomatedChange).Takes<AutomatedProfileRequest>()
            .Audit(AuditVerbs.AutomatedProfileChange, AuditTargets.AutomatedProfile, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        automated.MapDelete("/profiles/{id}", DeleteProfile).Needs(Rights.AutomatedChange)
            .Audit(AuditVerbs.AutomatedProfileDelete, AuditTargets.AutomatedProfile, AuditPlace.WithTheChange).Fails(404, 409);
        automated.MapGet("/setup-items", Items).Fails();
        automated.MapGet("/schools", Schools).Fails();
        automated.MapPut("/schools/{id}", ChooseForSchool).Needs(Rights.AutomatedChange).Takes<AutomatedChoiceRequest>()
            .Audit(AuditVerbs.AutomatedChoose, AuditTargets.School, AuditPlace.WithTheChange).Fails(400, 404, 413, 415);
        automated.MapGet("/groups", Groups).Fails();
        automated.MapPut("/groups/{id}", ChooseForGroup).Needs(Rights.AutomatedChange).Takes<AutomatedGroupRequest>()
            .Audit(AuditVerbs.AutomatedChoose, AuditTargets.Group, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415);
        automated.MapGet("/held", Held).WithQuery("state", "after", "limit").Fails(400);
        automated.MapDelete("/held/{id}", Dismiss).Needs(Rights.AutomatedChange).Audit(AuditVerbs.AutomatedDismiss, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>List the services of Apple School Manager, by name</summary>
    public static async Task<Ok<Page<AutomatedServerView>>> List(HttpContext context, AutomatedService service) => TypedResults.Ok(await service.List(FleetUser.Of(context)));

    /// <summary>Add a service of Apple School Manager</summary>
    /// <remarks>A key is made, which stays here. Then: download its certificate, upload it in Apple School Manager, download the server token there, and send it with PUT.</remarks>
    public static async Task<Created<AutomatedServerView>> Create(HttpContext context, AutomatedService service)
    {
        var server = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedServerRequest));
        EntityTag.Write(context, server.Version);
        return TypedResults.Created($"/api/v1/automated/servers/{server.Id}", server);
    }

    /// <summary>One service: whose it is, until when, and how its iPads stand</summary>
    public static async Task<Ok<AutomatedServerView>> Get(string id, HttpContext context, AutomatedService service)
    {
        var server = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, server.Version);
        return TypedResults.Ok(server);
    }

    /// <summary>Change the name or the default profile of a service</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or <c>*</c>.</remarks>
    public static async Task<Ok<AutomatedServerView>> Change(string id, HttpContext context, AutomatedService service)
    {
        var basedOn = EntityTag.Required(context);
        var server = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedServerRequest));
        EntityTag.Write(context, server.Version);
        return TypedResults.Ok(server);
    }

    /// <summary>Remove a service</summary>
    /// <remarks>Its token and its key are forgotten. Its iPads stay on the list, as released, and none enrols by it any more. iPads that are enrolled stay enrolled.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, AutomatedService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>The certificate that is uploaded in Apple School Manager</summary>
    public static async Task<FileContentHttpResult> Certificate(string id, HttpContext context, AutomatedService service)
    {
        var (name, pem) = await service.Certificate(FleetUser.Of(context), id);
        return TypedResults.File(pem, "application/x-pem-file", name);
    }

    /// <summary>Make another key</summary>
    /// <remarks>The token that is used stays. From now on a server token must be encrypted for the new certificate: upload that in Apple School Manager first.</remarks>
    public static async Task<Ok<AutomatedServerView>> NewKey(string id, HttpContext context, AutomatedService service) => TypedResults.Ok(await service.NewKey(context, id));

    /// <summary>Upload or renew the server token</summary>
    /// <remarks>The body is the .p7m file that "Download Token" gives in Apple School Manager. It is decrypted here, Apple is asked whose it is, and it is kept sealed. 422: it is of another key, of
    /// another service or organisation, or has ended; the present token stays. 503: Apple could not be asked.</remarks>
    public static async Task<Ok<AutomatedTokenUploadView>> PutToken(string id, HttpContext context, AutomatedService service)
    {
        RequestBody.RequireMediaType(context.Request, Token, Binary);
        var file = await BoundedBody.Read(context.Request, ServerToken.MaxFileBytes)
            ?? throw new ApiProblem(StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The body is too large", $"A server token has at most {ServerToken.MaxFileBytes} bytes.");
        return TypedResults.Ok(await service.TakeToken(context, id, file));
    }

    /// <summary>Ask Apple now</summary>
    /// <remarks>Answers at once; it is asked in the background.</remarks>
    /// <param name="all">true: for the whole list, and not for what is new.</param>
    public static async Task<Ok<AutomatedServerView>> Sync(string id, HttpContext context, AutomatedService service, [FromQuery] string? all = null) =>
        TypedResults.Ok(await service.Sync(context, id, Text.Flag("all", all) ?? false));

    /// <summary>List iPads of Apple School Manager, by serial number</summary>
    /// <param name="server">Only of this service, by its id.</param>
    /// <param name="state">none, waiting, assigned, failed, throttled, notAccessible or released.</param>
    /// <param name="school">Only those whose placeholder names this school.</param>
    /// <param name="migration">comes, late, came or leaves: iPads that move between services without an erase.</param>
    /// <param name="q">The beginning of the serial number.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AutomatedDeviceView>>> Devices(
        HttpContext context, AutomatedService service, [FromQuery] string? server = null, [FromQuery] string? state = null, [FromQuery] string? school = null,
        [FromQuery] string? migration = null, [FromQuery] string? q = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Devices(FleetUser.Of(context), server, state, school, migration, q, after, Page.Limit(limit)));

    /// <summary>How many iPads move between device management services</summary>
    /// <remarks>From iPadOS 26 on an iPad can move to another service without an erase, by a deadline that is set in Apple School Manager.</remarks>
    public static async Task<Ok<AutomatedMigrationsView>> Migrations(HttpContext context, AutomatedService service) => TypedResults.Ok(await service.Migrations(FleetUser.Of(context)));

    /// <summary>One iPad of Apple School Manager</summary>
    public static async Task<Ok<AutomatedDeviceView>> Device(string serialNumber, HttpContext context, AutomatedService service) =>
        TypedResults.Ok(await service.Device(FleetUser.Of(context), serialNumber));

    /// <summary>Choose the enrolment profile of one iPad</summary>
    /// <remarks>null: that of its group, or else of its school, or else of its service. It is assigned at Apple within minutes, and takes effect when the iPad is next set up.</remarks>
    public static async Task<Ok<AutomatedDeviceView>> Choose(string serialNumber, HttpContext context, AutomatedService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedChoiceRequest);
        return TypedResults.Ok(await service.Choose(context, serialNumber, request.ProfileId));
    }

    /// <summary>List enrolment profiles, by name</summary>
    public static async Task<Ok<Page<AutomatedProfileView>>> Profiles(HttpContext context, AutomatedProfileService service) => TypedResults.Ok(await service.List(FleetUser.Of(context)));

    /// <summary>Create an enrolment profile</summary>
    public static async Task<Created<AutomatedProfileView>> CreateProfile(HttpContext context, AutomatedProfileService service)
    {
        var profile = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedProfileRequest));
        EntityTag.Write(context, profile.Version);
        return TypedResults.Created($"/api/v1/automated/profiles/{profile.Id}", profile);
    }

    /// <summary>One enrolment profile</summary>
    public static async Task<Ok<AutomatedProfileView>> Profile(string id, HttpContext context, AutomatedProfileService service)
    {
        var profile = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, profile.Version);
        return TypedResults.Ok(profile);
    }

    /// <summary>Change an enrolment profile</summary>
    /// <remarks>As a whole: what is not sent has its default. Apple gets it as a new profile, and it is assigned anew to all iPads that should have it. It takes effect when an iPad is next set
    /// up. Send <c>If-Match</c> with the <c>ETag</c> that you read, or <c>*</c>.</remarks>
    public static async Task<Ok<AutomatedProfileView>> ChangeProfile(string id, HttpContext context, AutomatedProfileService service)
    {
        var basedOn = EntityTag.Required(context);
        var profile = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedProfileRequest));
        EntityTag.Write(context, profile.Version);
        return TypedResults.Ok(profile);
    }

    /// <summary>Delete an enrolment profile</summary>
    /// <remarks>409: a service, a school, a group or an iPad has it.</remarks>
    public static async Task<NoContent> DeleteProfile(string id, HttpContext context, AutomatedProfileService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Panes of Setup Assistant that an enrolment profile can leave out</summary>
    public static Ok<Page<SetupItemView>> Items() => TypedResults.Ok(new Page<SetupItemView>([.. SetupItems.All.Select(SetupItemView.Of)], null));

    /// <summary>Schools whose iPads have an enrolment profile of their own</summary>
    public static async Task<Ok<Page<AutomatedSchoolView>>> Schools(HttpContext context, AutomatedProfileService service) => TypedResults.Ok(await service.Schools(FleetUser.Of(context)));

    /// <summary>Choose the enrolment profile of a school</summary>
    /// <remarks>For iPads whose placeholder names the school. null: none of its own.</remarks>
    public static async Task<NoContent> ChooseForSchool(string id, HttpContext context, AutomatedProfileService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedChoiceRequest);
        await service.ChooseForSchool(context, id, request.ProfileId);
        return TypedResults.NoContent();
    }

    /// <summary>Groups whose iPads have an enrolment profile of their own, in the order in which they count</summary>
    public static async Task<Ok<Page<AutomatedGroupView>>> Groups(HttpContext context, AutomatedProfileService service) => TypedResults.Ok(await service.Groups(FleetUser.Of(context)));

    /// <summary>Choose the enrolment profile of a group</summary>
    /// <remarks>For the iPads that were put into it by hand, enrolled or not. It counts before that of the school, and after one that was chosen for the iPad. null: none of its own. It is assigned at
    /// Apple within minutes, also when iPads come into the group or leave it. 409: the group has a rule.</remarks>
    public static async Task<NoContent> ChooseForGroup(string id, HttpContext context, AutomatedProfileService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.AutomatedGroupRequest);
        await service.ChooseForGroup(context, id, request);
        return TypedResults.NoContent();
    }

    /// <summary>iPads that wait in Setup Assistant, and those that were let go</summary>
    /// <param name="state">held, letGo, letGoIncomplete or left.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AutomatedHoldView>>> Held(
        HttpContext context, AutomatedService service, [FromQuery] string? state = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Held(FleetUser.Of(context), state, after, Page.Limit(limit)));

    /// <summary>Take an iPad that was let go off the list</summary>
    public static async Task<NoContent> Dismiss(string id, HttpContext context, AutomatedService service)
    {
        await service.Dismiss(context, id);
        return TypedResults.NoContent();
    }

    public static Task DescribeToken(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Token] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
                [Binary] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
            },
        };
        return Task.CompletedTask;
    }
}
