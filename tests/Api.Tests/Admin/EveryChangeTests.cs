using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Tests.Automated;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Webhooks;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Apple;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>
/// Each route of an administrator that changes something is driven once, as a person or a program would, and its record is looked for. A new route
/// fails the first test until it stands in <see cref="Drives"/>.
/// </summary>
public sealed class EveryChangeTests : IAsyncLifetime
{
    private const string Profile = """
        <?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
        <key>PayloadIdentifier</key><string>org.example.wifi</string><key>PayloadUUID</key><string>6D6A0B43-62C5-4B3A-9C53-2E2F6F1C1234</string>
        <key>PayloadContent</key><array/></dict></plist>
        """;

    private readonly FleetMdm.Testing.TemporaryFolder _folder = new();
    private AutomatedHost _automated = null!;
    private AppsAndBooksSimulator _content = null!;
    private AdminServer _server = null!;
    private string _origin = "";

    public async ValueTask InitializeAsync()
    {
        _content = await AppsAndBooksSimulator.StartAsync();
        await File.WriteAllTextAsync(_folder.File("content.pem"), _content.RootPem);
        _automated = new AutomatedHost
        {
            More =
            [
                "--SelfService:Enrolment=true", "--SelfService:LostMode=true", "--SelfService:Location=true", "--SelfService:PublicUrl=https://mdm.example:8443",
                $"--AppsAndBooks:Endpoint={_content.Endpoint.GetLeftPart(UriPartial.Authority)}", $"--AppsAndBooks:TrustedRootFile={_folder.File("content.pem")}",
            ],
        };
        await _automated.InitializeAsync();
        _server = _automated.Server;
        _origin = _server.Address.GetLeftPart(UriPartial.Authority);
    }

    public async ValueTask DisposeAsync()
    {
        await _automated.DisposeAsync();
        await _content.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Method and route; then what is sent, and what the record must be about (null: it has no target, or the answer names it).</summary>
    private Dictionary<string, Func<Task<Drive>>> Drives => new()
    {
        ["POST /api/v1/devices/{id}/commands"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/commands", """{"requestType": "DeviceLock"}""")),
        ["POST /api/v1/devices/{id}/shared-ipad/refresh"] = () => OnPad(pad => new(HttpMethod.Post, $"{pad.Path}/shared-ipad/refresh")),
        ["POST /api/v1/devices/{id}/shared-ipad/log-out"] = () => OnPad(pad => new(HttpMethod.Post, $"{pad.Path}/shared-ipad/log-out")),
        ["POST /api/v1/devices/{id}/shared-ipad/delete-users"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/shared-ipad/delete-users", """{"all": true}""")),
        ["DELETE /api/v1/devices/{id}/commands/{uuid}"] = () => OnPad(async pad => new HttpRequestMessage(HttpMethod.Delete, $"{pad.Path}/commands/{await pad.Send()}")),
        ["DELETE /api/v1/devices/{id}"] = () => OnPad(pad => new(HttpMethod.Delete, pad.Path)),
        ["POST /api/v1/devices/{id}/attestation"] = () => OnPad(pad => new(HttpMethod.Post, $"{pad.Path}/attestation")),
        ["POST /ipads/{id}/attestation"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/attestation")),
        ["POST /api/v1/devices/{id}/push"] = () => OnPad(pad => new(HttpMethod.Post, $"{pad.Path}/push")),
        ["POST /api/v1/devices/{id}/claim/allow"] = () => OnPad(async pad => Json(HttpMethod.Post, $"{pad.Path}/claim/allow", $$"""{"claimId": "{{await Claim(pad)}}"}""")),
        ["POST /api/v1/devices/{id}/claim/refuse"] = () => OnPad(async pad => Json(HttpMethod.Post, $"{pad.Path}/claim/refuse", $$"""{"claimId": "{{await Claim(pad)}}"}""")),
        ["POST /api/v1/devices/{id}/reenrolment"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/reenrolment", """{"hours": 2}""")),
        ["DELETE /api/v1/devices/{id}/reenrolment"] = () => OnPad(pad => new(HttpMethod.Delete, $"{pad.Path}/reenrolment")),
        ["POST /api/v1/reenrolment"] = async () => new(Json(HttpMethod.Post, "/api/v1/reenrolment", $$"""{"ids": ["{{(await _server.Enrol()).Id}}"]}"""), null),
        ["POST /api/v1/operations"] = async () => new(Json(HttpMethod.Post, "/api/v1/operations", await Lock()), null),
        ["DELETE /api/v1/operations/{id}"] = async () => await Operation() is var id ? new(new(HttpMethod.Delete, $"/api/v1/operations/{id}"), id) : null!,
        ["POST /api/v1/operations/{id}/pause"] = async () => await Paced() is var id ? new(new(HttpMethod.Post, $"/api/v1/operations/{id}/pause"), id) : null!,
        ["POST /api/v1/operations/{id}/go-on"] = async () => await Paced(paused: true) is var id ? new(new(HttpMethod.Post, $"/api/v1/operations/{id}/go-on"), id) : null!,
        ["POST /api/v1/operations/{id}/retry"] = async () => new(Json(HttpMethod.Post, $"/api/v1/operations/{await Failed()}/retry", "{}"), null),
        ["POST /api/v1/returns"] = async () => new(Json(HttpMethod.Post, "/api/v1/returns", await ReturnBody()), null),
        ["POST /api/v1/returns/{id}/close"] = async () => await Return() is var id ? new(new(HttpMethod.Post, $"/api/v1/returns/{id}/close"), id) : null!,
        ["POST /operations/returns"] = async () => new(await ReturnForm(), null),
        ["POST /operations/returns/{id}/close"] = async () => await Return() is var id ? new(Form($"/operations/returns/{id}/close"), id) : null!,
        ["PUT /api/v1/return-answer"] = async () => await NoReturnAnswer() is var wifi ? new(Json(HttpMethod.Put, "/api/v1/return-answer", $$"""{"wifiProfileId": "{{wifi}}"}"""), wifi) : null!,
        ["DELETE /api/v1/return-answer"] = async () => await ReturnAnswer() is var wifi ? new(new(HttpMethod.Delete, "/api/v1/return-answer"), wifi) : null!,
        ["POST /operations/returns/answer"] = async () => await NoReturnAnswer() is var wifi ? new(Form("/operations/returns/answer", ("wifiProfileId", wifi)), wifi) : null!,
        ["POST /operations/returns/answer/remove"] = async () => await ReturnAnswer() is var wifi ? new(Form("/operations/returns/answer/remove"), wifi) : null!,
        ["POST /api/v1/repeating-operations"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/repeating-operations", Repeat), null)),
        ["POST /api/v1/repeating-operations/{id}/pause"] = async () => await Repeating() is var id ? new(new(HttpMethod.Post, $"/api/v1/repeating-operations/{id}/pause"), id) : null!,
        ["POST /api/v1/repeating-operations/{id}/go-on"] = async () => await Repeating(paused: true) is var id ? new(new(HttpMethod.Post, $"/api/v1/repeating-operations/{id}/go-on"), id) : null!,
        ["DELETE /api/v1/repeating-operations/{id}"] = async () => await Repeating() is var id ? new(new(HttpMethod.Delete, $"/api/v1/repeating-operations/{id}"), id) : null!,
        ["POST /operations/repeating/{id}/pause"] = async () => await Repeating() is var id ? new(Form($"/operations/repeating/{id}/pause"), id) : null!,
        ["POST /operations/repeating/{id}/go-on"] = async () => await Repeating(paused: true) is var id ? new(Form($"/operations/repeating/{id}/go-on"), id) : null!,
        ["POST /operations/repeating/{id}/end"] = async () => await Repeating() is var id ? new(Form($"/operations/repeating/{id}/end"), id) : null!,
        ["POST /api/v1/invitations"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/invitations", "{}"), null)),
        ["DELETE /api/v1/invitations/{id}"] = async () => await Invitation() is var number ? new(new(HttpMethod.Delete, $"/api/v1/invitations/{number}"), number) : null!,
        ["POST /api/v1/tokens"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/tokens", """{"name": "made", "role": "viewer"}"""), null)),
        ["DELETE /api/v1/tokens/{id}"] = async () => (await _server.MakeToken("viewer")).Id is var id ? new(new(HttpMethod.Delete, $"/api/v1/tokens/{id}"), id) : null!,
        ["POST /api/v1/roles"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/roles", """{"name": "every-1", "title": "Every", "rights": ["device.read"]}"""), "every-1")),
        ["PUT /api/v1/roles/{name}"] = async () => await Role("every-2") is var role
            ? new(new(HttpMethod.Put, $"/api/v1/roles/{role}") { Content = AdminServer.Json("""{"title": "Every", "rights": ["audit.read"]}"""), Headers = { { "If-Match", "*" } } }, role) : null!,
        ["DELETE /api/v1/roles/{name}"] = async () => await Role("every-3") is var role ? new(new(HttpMethod.Delete, $"/api/v1/roles/{role}"), role) : null!,
        ["POST /roles"] = () => Task.FromResult(new Drive(Form("/roles", ("name", "every-4"), ("title", "Every"), ("device.read", "true")), "every-4")),
        ["POST /roles/{name}/edit"] = async () => await Role("every-5") is var role ? new(Form($"/roles/{role}/edit", ("title", "Other"), ("version", "1"), ("device.read", "true")), role) : null!,
        ["POST /roles/{name}/delete"] = async () => await Role("every-6") is var role ? new(Form($"/roles/{role}/delete"), role) : null!,
        ["POST /api/v1/accounts"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/accounts", TestAccount.Body("every-1")), null)),
        ["PUT /api/v1/accounts/{id}"] = async () => await Account("every-2") is var account
            ? new(new(HttpMethod.Put, account.Path) { Content = AdminServer.Json(TestAccount.Body("every-3")), Headers = { { "If-Match", "*" } } }, account.Id) : null!,
        ["DELETE /api/v1/accounts/{id}"] = async () => await Account("every-4") is var account ? new(new(HttpMethod.Delete, account.Path), account.Id) : null!,
        ["POST /api/v1/accounts/{id}/password-link"] = async () => await Account("every-5") is var account ? new(new(HttpMethod.Post, account.Path + "/password-link"), account.Id) : null!,
        ["DELETE /api/v1/accounts/{id}/totp"] = async () => await Account("every-6") is var account ? new(new(HttpMethod.Delete, account.Path + "/totp"), account.Id) : null!,
        ["DELETE /api/v1/accounts/{id}/sessions"] = async () => await Account("every-7") is var account ? new(new(HttpMethod.Delete, account.Path + "/sessions"), account.Id) : null!,
        ["POST /accounts"] = () => Task.FromResult(new Drive(Form("/accounts", ("userName", "every-8"), ("name", "Every"), ("role", "viewer")), null)),
        ["POST /accounts/{id}/edit"] = async () => await Account("every-9") is var account
            ? new(Form($"/accounts/{account.Id}/edit", ("userName", "every-10"), ("name", "Every"), ("role", "viewer"), ("version", "1")), account.Id) : null!,
        ["POST /accounts/{id}/delete"] = async () => await Account("every-11") is var account ? new(Form($"/accounts/{account.Id}/delete"), account.Id) : null!,
        ["POST /accounts/{id}/password-link"] = async () => await Account("every-12") is var account ? new(Form($"/accounts/{account.Id}/password-link"), account.Id) : null!,
        ["POST /accounts/{id}/totp/remove"] = async () => await Account("every-13") is var account ? new(Form($"/accounts/{account.Id}/totp/remove"), account.Id) : null!,
        ["POST /accounts/{id}/sessions/end"] = async () => await Account("every-14") is var account ? new(Form($"/accounts/{account.Id}/sessions/end"), account.Id) : null!,
        ["POST /set-password/{link}"] = async () => await Account("every-15") is var account
            ? new(Form(new Uri(account.Link).AbsolutePath, ("password", TestAccount.Password), ("again", TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /login/password"] = async () => await Ready("every-16") is var account
            ? new(Form("/login/password", ("userName", "every-16"), ("password", TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /login/passkey"] = async () => await Ready("every-24") is var account && await new PasskeyBrowser(_server).Added(account) is var device && await new PasskeyBrowser(_server).Ask() is var ask
            ? new(Form("/login/passkey", ("offer", ask.Offer), ("credential", device.Sign(ask.Options))), account.Id, Anonymous: true) : null!,
        ["POST /account/passkeys/begin"] = async () => await Ready("every-29") is var account
            ? new(Form("/account/passkeys/begin", await account.Cookie(), ("name", "iPad"), ("present", TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /account/passkeys"] = async () => await Ready("every-25") is var account && await account.Cookie() is var cookie && await new PasskeyBrowser(_server).BeginAdding(cookie, "iPad") is var ask
            ? new(Form("/account/passkeys", cookie, ("offer", ask.Offer), ("credential", new TestPasskey(_server.Address).Create(ask.Options))), account.Id, Anonymous: true) : null!,
        ["POST /account/passkeys/{passkey}/remove"] = async () => await Ready("every-26") is var account && await account.Cookie() is var cookie && await Passkey(account, cookie) is var passkey
            ? new(Form($"/account/passkeys/{passkey}/remove", cookie), account.Id, Anonymous: true) : null!,
        ["DELETE /api/v1/accounts/{id}/passkeys"] = async () => await Ready("every-27") is var account && await Passkey(account, await account.Cookie()) is not null
            ? new(new(HttpMethod.Delete, account.Path + "/passkeys"), account.Id) : null!,
        ["POST /accounts/{id}/passkeys/remove"] = async () => await Ready("every-28") is var account && await Passkey(account, await account.Cookie()) is not null
            ? new(Form($"/accounts/{account.Id}/passkeys/remove"), account.Id) : null!,
        ["POST /login/code"] = async () => await Ready("every-17", totp: true) is var account
            ? new(Form("/login/code", await account.OwedCookie(), ("code", account.NextCode())), account.Id, Anonymous: true) : null!,
        ["POST /account/password"] = async () => await Ready("every-18") is var account
            ? new(Form("/account/password", await account.Cookie(), ("present", TestAccount.Password), ("password", "another-" + TestAccount.Password), ("again", "another-" + TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /account/totp"] = async () => await Ready("every-19") is var account && await account.Cookie() is var cookie && await account.Offer(cookie) is var offer
            ? new(Form("/account/totp", cookie, ("offer", offer), ("code", account.NextCode()), ("present", TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /account/totp/remove"] = async () => await Ready("every-20", totp: true) is var account
            ? new(Form("/account/totp/remove", await account.Cookie(), ("present", TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /account/recovery-codes"] = async () => await Ready("every-21", totp: true) is var account
            ? new(Form("/account/recovery-codes", await account.Cookie(), ("present", TestAccount.Password)), account.Id, Anonymous: true) : null!,
        ["POST /sessions/end"] = async () => await Ready("every-22") is var account ? new(Form("/sessions/end", await account.Cookie()), account.Id, Anonymous: true) : null!,
        ["POST /sessions/{session}/end"] = async () => await Ready("every-23") is var account
            ? new(Form($"/sessions/{await account.OtherSession()}/end", await account.Cookie()), account.Id, Anonymous: true) : null!,
        ["PUT /api/v1/push-certificate"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Put, "/api/v1/push-certificate") { Content = new StringContent(PushCertificate(), Encoding.UTF8, "application/x-pem-file") }, null)),

        ["POST /api/v1/push-certificate/request"] = () => Task.FromResult(new Drive(new(HttpMethod.Post, "/api/v1/push-certificate/request"), null)),
        ["POST /api/v1/authorities"] = async () => await NoneIsPrepared() ? new(new(HttpMethod.Post, "/api/v1/authorities"), null) : null!,
        ["DELETE /api/v1/authorities/{id}"] = async () => await PreparedCa() is var ca ? new(new(HttpMethod.Delete, $"/api/v1/authorities/{ca}"), ca) : null!,
        ["PUT /api/v1/placeholders/{serialNumber}"] = () => Task.FromResult(new Drive(Json(HttpMethod.Put, "/api/v1/placeholders/EVERY1", """{"name": "one"}"""), "EVERY1")),
        ["DELETE /api/v1/placeholders/{serialNumber}"] = async () => new(new(HttpMethod.Delete, $"/api/v1/placeholders/{await Placeholder("EVERY2")}"), "EVERY2"),
        ["POST /api/v1/placeholder-imports"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Post, "/api/v1/placeholder-imports") { Content = new StringContent(Csv("EVERY3"), Encoding.UTF8, "text/csv") }, null)),

        ["POST /api/v1/profiles"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/profiles", Library(NewProfile(), 1)), null)),
        ["PUT /api/v1/profiles/{id}"] = async () => await LibraryProfile() is var (id, identifier) ? new(Library(HttpMethod.Put, $"/api/v1/profiles/{id}", identifier, 2), id) : null!,
        ["DELETE /api/v1/profiles/{id}"] = async () => await LibraryProfile() is var (id, _) ? new(new(HttpMethod.Delete, $"/api/v1/profiles/{id}"), id) : null!,
        ["POST /api/v1/profiles/{id}/versions/{version}/restore"] = async () => await ChangedProfile() is var id ? new(new(HttpMethod.Post, $"/api/v1/profiles/{id}/versions/1/restore"), id) : null!,
        ["POST /api/v1/profiles/{id}/install"] = () => OnProfile(async id => Json(HttpMethod.Post, $"/api/v1/profiles/{id}/install", $$$"""{"target": {"ids": ["{{{(await _server.Enrol()).Id}}}"]}}""")),
        ["POST /api/v1/profiles/{id}/remove"] = () => OnProfile(async id => Json(HttpMethod.Post, $"/api/v1/profiles/{id}/remove", $$$"""{"target": {"ids": ["{{{(await _server.Enrol()).Id}}}"]}}""")),
        ["PUT /api/v1/profiles/{id}/link"] = () => OnProfile(id => Task.FromResult(Json(HttpMethod.Put, $"/api/v1/profiles/{id}/link", "{}"))),
        ["DELETE /api/v1/profiles/{id}/link"] = () => OnProfile(id => Task.FromResult(new HttpRequestMessage(HttpMethod.Delete, $"/api/v1/profiles/{id}/link"))),

        ["POST /profiles/new"] = () => Task.FromResult(new Drive(Upload("/profiles/new", "PayloadContent[0].PayloadType", "com.apple.applicationaccess", text: true), null)),
        ["POST /profiles/upload"] = () => Task.FromResult(new Drive(Upload("/profiles/upload", "profile", Profile.Replace("org.example.wifi", NewProfile(), StringComparison.Ordinal)), null)),
        ["POST /profiles/{id}/edit"] = () => OnProfile(id => Task.FromResult(Upload($"/profiles/{id}/edit", "PayloadDescription", "another", text: true))),
        ["POST /profiles/{id}/upload"] = async () => await LibraryProfile() is var (id, identifier)
            ? new(Upload($"/profiles/{id}/upload", "profile", Profile.Replace("org.example.wifi", identifier, StringComparison.Ordinal), basedOn: true), id) : null!,
        ["POST /profiles/{id}/restore"] = async () => await ChangedProfile() is var id ? new(Form($"/profiles/{id}/restore", ("version", "1"), ("basedOn", "2")), id) : null!,
        ["POST /profiles/{id}/install"] = () => OnProfile(async id => Form($"/profiles/{id}/install", ("target", "ids"), ("ids", (await _server.Enrol()).Id), ("expected", "1"))),
        ["POST /profiles/{id}/remove"] = () => OnProfile(async id => Form($"/profiles/{id}/remove", ("target", "ids"), ("ids", (await _server.Enrol()).Id), ("expected", "1"))),
        ["POST /profiles/{id}/publish"] = () => OnProfile(id => Task.FromResult(Form($"/profiles/{id}/publish"))),
        ["POST /profiles/{id}/withdraw"] = () => OnProfile(id => Task.FromResult(Form($"/profiles/{id}/withdraw"))),
        ["POST /profiles/{id}/delete"] = () => OnProfile(id => Task.FromResult(Form($"/profiles/{id}/delete", ("basedOn", "1")))),

        ["POST /ipads/{id}/push"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/push")),
        ["POST /ipads/{id}/query"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/query")),
        ["POST /ipads/{id}/lock"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lock")),
        ["POST /ipads/{id}/restart"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/restart")),
        ["POST /ipads/{id}/command/{type}"] = () => OnPad(pad => Upload($"/ipads/{pad.Id}/command/ProfileList", "none", "")),
        ["POST /ipads/{id}/apps"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/apps")),
        ["POST /ipads/{id}/managed-apps"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/managed-apps")),
        ["POST /ipads/{id}/profiles"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/profiles")),
        ["POST /ipads/{id}/certificates"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/certificates")),
        ["POST /ipads/{id}/provisioning-profiles"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/provisioning-profiles")),
        ["POST /ipads/{id}/security"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/security")),
        ["POST /ipads/{id}/restrictions"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/restrictions")),
        ["POST /ipads/{id}/users"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/users")),
        ["POST /ipads/{id}/shared-ipad"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/shared-ipad")),
        ["POST /ipads/{id}/shared-ipad/log-out"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/shared-ipad/log-out")),
        ["POST /ipads/{id}/shared-ipad/delete"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/shared-ipad/delete", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/lost-mode"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lost-mode", ("message", "Please call."))),
        ["POST /ipads/{id}/lost-mode/locate"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lost-mode/locate")),
        ["POST /ipads/{id}/lost-mode/sound"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lost-mode/sound")),
        ["POST /ipads/{id}/lost-mode/disable"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lost-mode/disable")),
        ["POST /ipads/{id}/lost-mode/location"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lost-mode/location", ("reason", "lost"))),
        ["POST /ipads/{id}/activation-lock"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/activation-lock")),
        ["POST /ipads/{id}/activation-lock/code"] = () => OnPad(async pad => Form($"/ipads/{await Locked(pad)}/activation-lock/code", ("reason", "sold"))),
        ["POST /ipads/{id}/profile"] = () => OnPad(pad => Upload($"/ipads/{pad.Id}/profile", "profile", Profile)),
        ["POST /ipads/{id}/clear-passcode"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/clear-passcode", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/erase"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/erase", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/remove"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/remove", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/commands/{uuid}/cancel"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/commands/{await pad.Send()}/cancel")),
        ["POST /ipads/{id}/commands/{uuid}/answer"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/commands/{await Told(pad)}/answer", ("reason", "sold"))),
        ["POST /ipads/{id}/claim/allow"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/claim/allow", ("claim", await Claim(pad)))),
        ["POST /ipads/{id}/claim/refuse"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/claim/refuse", ("claim", await Claim(pad)))),
        ["POST /ipads/{id}/reenrolment"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/reenrolment")),
        ["POST /invitations"] = () => Task.FromResult(new Drive(Form("/invitations"), null)),
        ["POST /invitations/{id}/revoke"] = async () => await Invitation() is var number ? new(Form($"/invitations/{number}/revoke"), number) : null!,
        ["POST /tokens"] = () => Task.FromResult(new Drive(Form("/tokens", ("name", "made"), ("role", "viewer")), null)),
        ["POST /tokens/{id}/revoke"] = async () => (await _server.MakeToken("viewer")).Id is var id ? new(Form($"/tokens/{id}/revoke"), id) : null!,
        ["POST /operations"] = async () => new(await Confirmed(), null),
        ["POST /operations/{id}/pause"] = async () => await Paced() is var id ? new(Form($"/operations/{id}/pause"), id) : null!,
        ["POST /operations/{id}/go-on"] = async () => await Paced(paused: true) is var id ? new(Form($"/operations/{id}/go-on"), id) : null!,
        ["POST /operations/{id}/retry"] = async () => new(Form($"/operations/{await Failed()}/retry", ("expected", "1")), null),
        ["POST /operations/{id}/cancel"] = async () => await Operation() is var id ? new(Form($"/operations/{id}/cancel"), id) : null!,
        ["POST /placeholders"] = () => Task.FromResult(new Drive(Form("/placeholders", ("serialNumber", "EVERY4"), ("name", "four")), "EVERY4")),
        ["POST /placeholders/import"] = () => Task.FromResult(new Drive(Upload("/placeholders/import", "file", Csv("EVERY5")), null)),
        ["POST /placeholders/{serialNumber}/remove"] = async () => new(Form($"/placeholders/{await Placeholder("EVERY6")}/remove"), "EVERY6"),
        ["POST /authorities/prepare"] = async () => await NoneIsPrepared() ? new(Form("/authorities/prepare"), null) : null!,
        ["POST /authorities/{id}/retire"] = async () => await PreparedCa() is var ca ? new(Form($"/authorities/{ca}/retire"), ca) : null!,
        ["POST /api/v1/schools"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/schools", """{"name": "Every 1"}"""), null)),
        ["PUT /api/v1/schools/{id}"] = async () => await School("Every 2") is var id
            ? new(new(HttpMethod.Put, $"/api/v1/schools/{id}") { Content = AdminServer.Json("""{"name": "Every 3"}"""), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["PUT /api/v1/schools/{id}/classroom"] = async () => await School("Every 211") is var id ? new(Json(HttpMethod.Put, $"/api/v1/schools/{id}/classroom", """{"on": true}"""), id) : null!,
        ["POST /classroom/{id}"] = async () => await School("Every 212") is var id ? new(Form($"/classroom/{id}", ("on", "yes")), id) : null!,
        ["DELETE /api/v1/schools/{id}"] = async () => await School("Every 4") is var id ? new(new(HttpMethod.Delete, $"/api/v1/schools/{id}"), id) : null!,
        ["POST /schools"] = () => Task.FromResult(new Drive(Form("/schools", ("name", "Every 5")), null)),
        ["POST /schools/{id}/edit"] = async () => await School("Every 6") is var id ? new(Form($"/schools/{id}/edit", ("name", "Every 7"), ("version", "1")), id) : null!,
        ["POST /schools/{id}/delete"] = async () => await School("Every 8") is var id ? new(Form($"/schools/{id}/delete"), id) : null!,
        ["POST /api/v1/people"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/people", """{"role": "pupil", "familyName": "Every"}"""), null)),
        ["PUT /api/v1/people/{id}"] = async () => await Person() is var id
            ? new(new(HttpMethod.Put, $"/api/v1/people/{id}") { Content = AdminServer.Json("""{"role": "staff", "familyName": "Every"}"""), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/people/{id}"] = async () => await Person() is var id ? new(new(HttpMethod.Delete, $"/api/v1/people/{id}"), id) : null!,
        ["POST /people"] = () => Task.FromResult(new Drive(Form("/people", ("familyName", "Every"), ("role", "teacher")), null)),
        ["POST /people/{id}/edit"] = async () => await Person() is var id ? new(Form($"/people/{id}/edit", ("familyName", "Every"), ("role", "teacher"), ("version", "1")), id) : null!,
        ["POST /people/{id}/delete"] = async () => await Person() is var id ? new(Form($"/people/{id}/delete"), id) : null!,
        ["POST /api/v1/classes"] = async () => new(Json(HttpMethod.Post, "/api/v1/classes", $$"""{"name": "7B", "schoolId": "{{await School("Every 11")}}"}"""), null),
        ["PUT /api/v1/classes/{id}"] = async () => await Class("Every 12") is var (id, school)
            ? new(new(HttpMethod.Put, $"/api/v1/classes/{id}") { Content = AdminServer.Json($$"""{"name": "8B", "schoolId": "{{school}}"}"""), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/classes/{id}"] = async () => await Class("Every 13") is var (id, _) ? new(new(HttpMethod.Delete, $"/api/v1/classes/{id}"), id) : null!,
        ["PUT /api/v1/classes/{id}/members/{personId}"] = async () => await Class("Every 14") is var (id, _)
            ? new(Json(HttpMethod.Put, $"/api/v1/classes/{id}/members/{await Person()}", """{"role": "pupil"}"""), id) : null!,
        ["DELETE /api/v1/classes/{id}/members/{personId}"] = async () => await Member("Every 15") is var (id, person)
            ? new(new(HttpMethod.Delete, $"/api/v1/classes/{id}/members/{person}"), id) : null!,
        ["POST /classes"] = async () => new(Form("/classes", ("name", "7B"), ("schoolId", await School("Every 16"))), null),
        ["POST /classes/{id}/edit"] = async () => await Class("Every 17") is var (id, school)
            ? new(Form($"/classes/{id}/edit", ("name", "8B"), ("schoolId", school), ("version", "1")), id) : null!,
        ["POST /classes/{id}/delete"] = async () => await Class("Every 18") is var (id, _) ? new(Form($"/classes/{id}/delete"), id) : null!,
        ["POST /people/{person}/class"] = async () => await Class("Every 19") is var (id, _) ? new(Form($"/people/{await Person()}/class", ("class", id), ("role", "pupil")), id) : null!,
        ["POST /classes/{id}/members/{person}/remove"] = async () => await Member("Every 20") is var (id, person) ? new(Form($"/classes/{id}/members/{person}/remove"), id) : null!,
        ["POST /api/v1/groups"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/groups", """{"name": "Every 31"}"""), null)),
        ["PUT /api/v1/groups/{id}"] = async () => await Group("Every 32") is var id
            ? new(new(HttpMethod.Put, $"/api/v1/groups/{id}") { Content = AdminServer.Json("""{"name": "Every 33", "rule": "supervised"}"""), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/groups/{id}"] = async () => await Group("Every 34") is var id ? new(new(HttpMethod.Delete, $"/api/v1/groups/{id}"), id) : null!,
        ["POST /api/v1/groups/{id}/members"] = async () => await Group("Every 35") is var id
            ? new(Json(HttpMethod.Post, $"/api/v1/groups/{id}/members", """{"filter": "status:enrolled"}"""), id) : null!,
        ["POST /api/v1/groups/{id}/members/remove"] = async () => await FilledGroup("Every 36") is var id
            ? new(Json(HttpMethod.Post, $"/api/v1/groups/{id}/members/remove", """{"filter": "status:enrolled"}"""), id) : null!,
        ["POST /groups"] = () => Task.FromResult(new Drive(Form("/groups", ("name", "Every 37")), null)),
        ["POST /groups/{id}/edit"] = async () => await Group("Every 38") is var id ? new(Form($"/groups/{id}/edit", ("name", "Every 39"), ("version", "1")), id) : null!,
        ["POST /groups/{id}/delete"] = async () => await Group("Every 40") is var id ? new(Form($"/groups/{id}/delete"), id) : null!,
        ["POST /groups/{id}/add"] = async () => await Group("Every 41") is var id ? new(Form($"/groups/{id}/add", ("filter", "status:enrolled")), id) : null!,
        ["POST /groups/{id}/remove"] = async () => await FilledGroup("Every 42") is var id ? new(Form($"/groups/{id}/remove", ("filter", "status:enrolled")), id) : null!,
        ["POST /api/v1/campaigns"] = async () => new(Json(HttpMethod.Post, "/api/v1/campaigns", $$"""{"name": "Every 201", "target": "serial:{{await NewSerial()}}"}"""), null),
        ["DELETE /api/v1/campaigns/{id}"] = async () => await Campaign(closed: true) is var (id, _) ? new(new(HttpMethod.Delete, $"/api/v1/campaigns/{id}"), id) : null!,
        ["POST /api/v1/campaigns/{id}/close"] = async () => await Campaign() is var (id, _) ? new(new(HttpMethod.Post, $"/api/v1/campaigns/{id}/close"), id) : null!,
        ["POST /api/v1/campaigns/{id}/collect"] = async () => await Campaign() is var (id, pad) ? new(Json(HttpMethod.Post, $"/api/v1/campaigns/{id}/collect", $$"""{"code": "{{pad.Serial}}"}"""), id) : null!,
        ["DELETE /api/v1/campaigns/{id}/devices/{device}/collection"] = async () => await Campaign(collected: true) is var (id, pad)
            ? new(new(HttpMethod.Delete, $"/api/v1/campaigns/{id}/devices/{pad.Id}/collection"), id) : null!,
        ["POST /campaigns"] = async () => new(Form("/campaigns", ("name", "Every 202"), ("target", $"serial:{await NewSerial()}")), null),
        ["POST /campaigns/{id}/collect"] = async () => await Campaign() is var (id, pad) ? new(Form($"/campaigns/{id}/collect", ("code", pad.Serial)), id) : null!,
        ["POST /campaigns/{id}/put-back"] = async () => await Campaign(collected: true) is var (id, pad) ? new(Form($"/campaigns/{id}/put-back", ("device", pad.Id)), id) : null!,
        ["POST /campaigns/{id}/close"] = async () => await Campaign() is var (id, _) ? new(Form($"/campaigns/{id}/close"), id) : null!,
        ["POST /campaigns/{id}/delete"] = async () => await Campaign(closed: true) is var (id, _) ? new(Form($"/campaigns/{id}/delete"), id) : null!,
        ["POST /api/v1/exams"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/exams", ExamBody("Every 61")), null)),
        ["PUT /api/v1/exams/{id}"] = async () => await Exam("Every 62") is var id
            ? new(new(HttpMethod.Put, $"/api/v1/exams/{id}") { Content = AdminServer.Json(ExamBody("Every 63")), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/exams/{id}"] = async () => await Exam("Every 64") is var id ? new(new(HttpMethod.Delete, $"/api/v1/exams/{id}"), id) : null!,
        ["POST /api/v1/exams/{id}/devices"] = async () => await Exam("Every 65") is var id
            ? new(Json(HttpMethod.Post, $"/api/v1/exams/{id}/devices", $$"""{"iPads": ["{{(await _server.Enrol()).Id}}"]}"""), id) : null!,
        ["POST /api/v1/exams/{id}/release"] = async () => await Exam("Every 66", runs: true) is var id ? new(Json(HttpMethod.Post, $"/api/v1/exams/{id}/release", "{}"), id) : null!,
        ["POST /api/v1/exams/{id}/prolong"] = async () => await Exam("Every 67", runs: true) is var id
            ? new(Json(HttpMethod.Post, $"/api/v1/exams/{id}/prolong", $$"""{"endsAt": "{{TimeProvider.System.GetUtcNow().AddHours(3):O}}"}"""), id) : null!,
        ["POST /exams"] = () => Task.FromResult(new Drive(Form("/exams", ("name", "Every 68"), ("bundleId", "org.example.exam"), ("target", "serial:NOBODY"), ("starts", Soon("10:00")), ("ends", Soon("11:00"))), null)),
        ["POST /exams/{id}/edit"] = async () => await Exam("Every 69") is var id
            ? new(Form($"/exams/{id}/edit", ("name", "Every 70"), ("bundleId", "org.example.exam"), ("target", "serial:NOBODY"), ("starts", Soon("10:00")), ("ends", Soon("11:00")), ("version", "1")), id) : null!,
        ["POST /exams/{id}/delete"] = async () => await Exam("Every 71") is var id ? new(Form($"/exams/{id}/delete", ("version", "1")), id) : null!,
        ["POST /exams/{id}/release"] = async () => await Exam("Every 72", runs: true) is var id ? new(Form($"/exams/{id}/release"), id) : null!,
        ["POST /exams/{id}/prolong"] = async () => await Exam("Every 73", runs: true) is var id
            ? new(Form($"/exams/{id}/prolong", ("endsAt", TimeProvider.System.GetUtcNow().AddHours(2).UtcDateTime.ToString("O")), ("minutes", "10")), id) : null!,
        ["POST /exams/{id}/add"] = async () => await Exam("Every 74") is var id ? new(Form($"/exams/{id}/add", ("iPads", (await _server.Enrol()).Id)), id) : null!,

        ["POST /api/v1/webhooks"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/webhooks", Hook("Every 71")), null)),
        ["PUT /api/v1/webhooks/{id}"] = async () => await Webhook("Every 72") is var id
            ? new(new(HttpMethod.Put, $"/api/v1/webhooks/{id}") { Content = AdminServer.Json(Hook("Every 73")), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/webhooks/{id}"] = async () => await Webhook("Every 74") is var id ? new(new(HttpMethod.Delete, $"/api/v1/webhooks/{id}"), id) : null!,
        ["POST /api/v1/webhooks/{id}/pause"] = async () => await Webhook("Every 75") is var id ? new(new(HttpMethod.Post, $"/api/v1/webhooks/{id}/pause"), id) : null!,
        ["POST /api/v1/webhooks/{id}/go-on"] = async () => await Webhook("Every 76", paused: true) is var id ? new(new(HttpMethod.Post, $"/api/v1/webhooks/{id}/go-on"), id) : null!,
        ["POST /api/v1/webhooks/{id}/rotate"] = async () => await Webhook("Every 77") is var id ? new(Json(HttpMethod.Post, $"/api/v1/webhooks/{id}/rotate", "{}"), id) : null!,
        ["POST /api/v1/webhooks/{id}/test"] = async () => await Webhook("Every 78") is var id ? new(new(HttpMethod.Post, $"/api/v1/webhooks/{id}/test"), id) : null!,
        ["POST /api/v1/webhooks/{id}/deliveries/resend"] = async () => await DeadHook("Every 79") is var (id, _) ? new(new(HttpMethod.Post, $"/api/v1/webhooks/{id}/deliveries/resend"), id) : null!,
        ["POST /api/v1/webhooks/{id}/deliveries/{delivery}/resend"] = async () => await DeadHook("Every 80") is var (id, delivery)
            ? new(new(HttpMethod.Post, $"/api/v1/webhooks/{id}/deliveries/{delivery}/resend"), id) : null!,
        ["POST /webhooks"] = () => Task.FromResult(new Drive(Form("/webhooks", ("name", "Every 81"), ("url", "https://hooks.example/a"), ("events", "device.")), null)),
        ["POST /webhooks/{id}/edit"] = async () => await Webhook("Every 82") is var id
            ? new(Form($"/webhooks/{id}/edit", ("name", "Every 83"), ("url", "https://hooks.example/a"), ("events", "device."), ("version", "1")), id) : null!,
        ["POST /webhooks/{id}/delete"] = async () => await Webhook("Every 84") is var id ? new(Form($"/webhooks/{id}/delete"), id) : null!,
        ["POST /webhooks/{id}/pause"] = async () => await Webhook("Every 85") is var id ? new(Form($"/webhooks/{id}/pause"), id) : null!,
        ["POST /webhooks/{id}/go-on"] = async () => await Webhook("Every 86", paused: true) is var id ? new(Form($"/webhooks/{id}/go-on"), id) : null!,
        ["POST /webhooks/{id}/rotate"] = async () => await Webhook("Every 87") is var id ? new(Form($"/webhooks/{id}/rotate"), id) : null!,
        ["POST /webhooks/{id}/test"] = async () => await Webhook("Every 88") is var id ? new(Form($"/webhooks/{id}/test"), id) : null!,
        ["POST /webhooks/{id}/resend"] = async () => await DeadHook("Every 89") is var (id, delivery) ? new(Form($"/webhooks/{id}/resend", ("delivery", delivery)), id) : null!,
        ["POST /api/v1/assignments"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/assignments", Zone("Every 51")), null)),
        ["PUT /api/v1/assignments/{id}"] = async () => await Assignment("Every 52") is var id
            ? new(new(HttpMethod.Put, $"/api/v1/assignments/{id}") { Content = AdminServer.Json(Zone("Every 53")), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/assignments/{id}"] = async () => await Assignment("Every 54") is var id ? new(new(HttpMethod.Delete, $"/api/v1/assignments/{id}"), id) : null!,
        ["POST /api/v1/assignments/{id}/retry"] = async () => await Assignment("Every 55") is var id ? new(new(HttpMethod.Post, $"/api/v1/assignments/{id}/retry"), id) : null!,
        ["POST /api/v1/assignments/{id}/go-on"] = async () => await StoppedRollOut("Every 160") is var id ? new(new(HttpMethod.Post, $"/api/v1/assignments/{id}/go-on"), id) : null!,
        ["POST /api/v1/assignments/{id}/take-back"] = async () => await StoppedRollOut("Every 161") is var id ? new(new(HttpMethod.Post, $"/api/v1/assignments/{id}/take-back"), id) : null!,
        ["POST /assignments/{id}/go-on"] = async () => await StoppedRollOut("Every 162") is var id ? new(Form($"/assignments/{id}/go-on"), id) : null!,
        ["POST /assignments/{id}/take-back"] = async () => await StoppedRollOut("Every 163") is var id ? new(Form($"/assignments/{id}/take-back"), id) : null!,
        ["POST /assignments"] = () => Task.FromResult(new Drive(Form("/assignments", ("what", "zone"), ("name", "Every 56"), ("timeZone", "Europe/Oslo"), ("target", "serial:NOBODY")), null)),
        ["POST /assignments/{id}/edit"] = async () => await Assignment("Every 57") is var id
            ? new(Form($"/assignments/{id}/edit", ("name", "Every 58"), ("timeZone", "Europe/Rome"), ("target", "serial:NOBODY"), ("version", "1")), id) : null!,
        ["POST /assignments/{id}/delete"] = async () => await Assignment("Every 59") is var id ? new(Form($"/assignments/{id}/delete", ("version", "1")), id) : null!,
        ["POST /assignments/{id}/retry"] = async () => await Assignment("Every 60") is var id ? new(Form($"/assignments/{id}/retry"), id) : null!,
        ["PUT /api/v1/devices/{id}/holder"] = () => OnPad(async pad => Json(HttpMethod.Put, $"{pad.Path}/holder", $$"""{"personId": "{{await Person()}}"}""")),
        ["DELETE /api/v1/devices/{id}/holder"] = () => OnPad(async pad => new HttpRequestMessage(HttpMethod.Delete, $"{await HandedOut(pad)}/holder")),
        ["POST /ipads/{id}/person"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/person", ("person", await Person()))),
        ["POST /ipads/{id}/person/return"] = () => OnPad(async pad => await HandedOut(pad) is not null ? Form($"/ipads/{pad.Id}/person/return") : null!),
        ["POST /people/{person}/ipads"] = () => OnPad(async pad => Form($"/people/{await Person()}/ipads", ("ipad", "EVERYHOLDER1")), "EVERYHOLDER1"),
        ["POST /api/v1/devices/{id}/notes"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/notes", """{"text": "A new case."}""")),
        ["DELETE /api/v1/devices/{id}/notes/{noteId}"] = () => OnPad(async pad => new HttpRequestMessage(HttpMethod.Delete, $"{pad.Path}/notes/{await Note(pad)}")),
        ["POST /api/v1/devices/{id}/incidents"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/incidents", """{"kind": "lost"}""")),
        ["PUT /api/v1/incidents/{id}"] = () => OnPad(async pad =>
            new(HttpMethod.Put, $"/api/v1/incidents/{await Incident(pad)}") { Content = AdminServer.Json("""{"kind": "inRepair", "closed": true}"""), Headers = { { "If-Match", "*" } } }),
        ["POST /ipads/{id}/notes"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/notes", ("text", "A new case."))),
        ["POST /ipads/{id}/notes/{note}/remove"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/notes/{await Note(pad)}/remove")),
        ["POST /ipads/{id}/incidents"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/incidents", ("kind", "other"))),
        ["POST /ipads/{id}/incidents/{incident}"] = () => OnPad(async pad =>
            Form($"/ipads/{pad.Id}/incidents/{await Incident(pad)}", ("kind", "inRepair"), ("version", "1"), ("closed", "true"))),
        ["POST /api/v1/enrolment-imports"] = async () => await PushCertificateStands() is var _
            ? new(new(HttpMethod.Post, "/api/v1/enrolment-imports") { Content = new StringContent("{", Encoding.UTF8, "application/x-ndjson") }, null) : null!,
        ["POST /enrolment-imports"] = async () => await PushCertificateStands() is var _ ? new(Upload("/enrolment-imports", "file", "{"), null) : null!,
        ["POST /api/v1/enrolment-exports"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/enrolment-exports", ReceiverRequest()), null)),
        ["POST /export/enrolments"] = () => Task.FromResult(new Drive(Upload("/export/enrolments", "certificate", ReceiverPem(), more: ("reason", "We move.")), null)),
        ["POST /api/v1/device-imports"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Post, "/api/v1/device-imports") { Content = new StringContent(Csv("EVERY7"), Encoding.UTF8, "text/csv") }, null)),
        ["POST /api/v1/device-imports/{id}/apply"] = async () => await DeviceImport("EVERY8") is var id ? new(new(HttpMethod.Post, $"/api/v1/device-imports/{id}/apply"), id) : null!,
        ["POST /api/v1/device-imports/{id}/undo"] = async () => await AppliedDeviceImport("EVERY13") is var id ? new(new(HttpMethod.Post, $"/api/v1/device-imports/{id}/undo"), id) : null!,
        ["POST /device-imports/{id}/undo"] = async () => await AppliedDeviceImport("EVERY14") is var id ? new(Form($"/device-imports/{id}/undo"), id) : null!,
        ["DELETE /api/v1/device-imports/{id}"] = async () => await DeviceImport("EVERY9") is var id ? new(new(HttpMethod.Delete, $"/api/v1/device-imports/{id}"), id) : null!,
        ["POST /device-imports"] = () => Task.FromResult(new Drive(Upload("/device-imports", "file", Csv("EVERY10")), null)),
        ["POST /device-imports/{id}/apply"] = async () => await DeviceImport("EVERY11") is var id ? new(Form($"/device-imports/{id}/apply"), id) : null!,
        ["POST /device-imports/{id}/discard"] = async () => await DeviceImport("EVERY12") is var id ? new(Form($"/device-imports/{id}/discard"), id) : null!,
        ["POST /api/v1/people-imports"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Post, "/api/v1/people-imports") { Content = new StringContent(PeopleCsv(), Encoding.UTF8, "text/csv") }, null)),
        ["POST /api/v1/people-imports/{id}/apply"] = async () => await Import() is var id ? new(Json(HttpMethod.Post, $"/api/v1/people-imports/{id}/apply", "{}"), id) : null!,
        ["DELETE /api/v1/people-imports/{id}"] = async () => await Import() is var id ? new(new(HttpMethod.Delete, $"/api/v1/people-imports/{id}"), id) : null!,
        ["POST /people/import"] = () => Task.FromResult(new Drive(Upload("/people/import", "file", PeopleCsv()), null)),
        ["POST /people/imports/{id}/apply"] = async () => await Import() is var id ? new(Form($"/people/imports/{id}/apply"), id) : null!,
        ["POST /people/imports/{id}/discard"] = async () => await Import() is var id ? new(Form($"/people/imports/{id}/discard"), id) : null!,
        ["POST /push-certificate/request"] = () => Task.FromResult(new Drive(Form("/push-certificate/request"), null)),
        ["POST /push-certificate"] = () => Task.FromResult(new Drive(Upload("/push-certificate", "certificate", PushCertificate()), null)),
        ["POST /api/v1/apps"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Post, "/api/v1/apps") { Content = HostedAppTests.Body(HostedAppTests.Ipa("org.example.every1")) }, null)),
        ["DELETE /api/v1/apps/{id}"] = async () => await App("org.example.every2") is var id ? new(new(HttpMethod.Delete, $"/api/v1/apps/{id}"), id) : null!,
        ["POST /hosted-apps"] = () => Task.FromResult(new Drive(
            Own("/hosted-apps", new MultipartFormDataContent { { HostedAppTests.Body(HostedAppTests.Ipa("org.example.every3")), "file", "a.ipa" } }), null)),
        ["POST /hosted-apps/{id}/delete"] = async () => await App("org.example.every4") is var id ? new(Form($"/hosted-apps/{id}/delete"), id) : null!,
        ["POST /accounts/{id}/person"] = async () => await Account("every-30") is var account
            ? new(Form($"/accounts/{account.Id}/person", ("personId", await Person()), ("version", "1")), account.Id) : null!,
        ["PUT /api/v1/profiles/{id}/offer"] = () => OnProfile(id => Task.FromResult(Json(HttpMethod.Put, $"/api/v1/profiles/{id}/offer", """{"to": ["pupils"]}"""))),
        ["POST /profiles/{id}/offer"] = () => OnProfile(id => Task.FromResult(Form($"/profiles/{id}/offer", ("to", "staff")))),
        ["POST /api/v1/my/devices/{id}/reports"] = () => OnOwn((pad, cookie) => ByPerson(HttpMethod.Post, $"/api/v1/my/devices/{pad.Id}/reports", cookie, """{"kind": "other"}""")),
        ["POST /api/v1/my/devices/{id}/lost-mode"] = () => OnOwn((pad, cookie) => ByPerson(HttpMethod.Post, $"/api/v1/my/devices/{pad.Id}/lost-mode", cookie)),
        ["DELETE /api/v1/my/devices/{id}/lost-mode"] = () => OnOwn((pad, cookie) => ByPerson(HttpMethod.Delete, $"/api/v1/my/devices/{pad.Id}/lost-mode", cookie), lost: true),
        ["POST /api/v1/my/devices/{id}/location"] = () => OnOwn((pad, cookie) => ByPerson(HttpMethod.Post, $"/api/v1/my/devices/{pad.Id}/location", cookie), lost: true),
        ["PUT /api/v1/my/devices/{id}/return-request"] = () => OnOwn((pad, cookie) => ByPerson(HttpMethod.Put, $"/api/v1/my/devices/{pad.Id}/return-request", cookie)),
        ["DELETE /api/v1/my/devices/{id}/return-request"] = () => OnOwn((pad, cookie) => ByPerson(HttpMethod.Delete, $"/api/v1/my/devices/{pad.Id}/return-request", cookie), back: true),
        ["POST /api/v1/my/invitations"] = async () => (await OnOwn((_, cookie) => ByPerson(HttpMethod.Post, "/api/v1/my/invitations", cookie, """{"ownIPad": true}"""))) with { Target = null },
        ["POST /my/ipads/{id}/report"] = () => OnOwn((pad, cookie) => Form($"/my/ipads/{pad.Id}/report", cookie, ("kind", "brokenScreen"))),
        ["POST /my/ipads/{id}/lost-mode"] = () => OnOwn((pad, cookie) => Form($"/my/ipads/{pad.Id}/lost-mode", cookie)),
        ["POST /my/ipads/{id}/lost-mode/end"] = () => OnOwn((pad, cookie) => Form($"/my/ipads/{pad.Id}/lost-mode/end", cookie), lost: true),
        ["POST /my/ipads/{id}/location"] = () => OnOwn((pad, cookie) => Form($"/my/ipads/{pad.Id}/location", cookie), lost: true),
        ["POST /my/ipads/{id}/hand-back"] = () => OnOwn((pad, cookie) => Form($"/my/ipads/{pad.Id}/hand-back", cookie)),
        ["POST /my/ipads/{id}/keep"] = () => OnOwn((pad, cookie) => Form($"/my/ipads/{pad.Id}/keep", cookie), back: true),
        ["POST /my/enrol"] = async () => (await OnOwn((_, cookie) => Form("/my/enrol", cookie, ("whose", "school")))) with { Target = null },
        ["POST /api/v1/teach/classes/{id}/look"] = async () => await Taught() is var (id, _, cookie) ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/look", cookie), id, Anonymous: true) : null!,
        ["POST /api/v1/teach/classes/{class}/devices/{id}/clear-passcode"] = async () => await Taught() is var (id, pad, cookie)
            ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/devices/{pad.Id}/clear-passcode", cookie), pad.Id, Anonymous: true) : null!,
        ["POST /api/v1/teach/classes/{id}/lock"] = async () => await Taught() is var (id, _, cookie) ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/lock", cookie, LessonBody), id, Anonymous: true) : null!,
        ["POST /api/v1/teach/classes/{class}/devices/{id}/lock"] = async () => await Taught() is var (id, pad, cookie)
            ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/devices/{pad.Id}/lock", cookie, LessonBody), id, Anonymous: true) : null!,
        ["POST /api/v1/teach/classes/{id}/release"] = async () => await Taught(locked: true) is var (id, _, cookie) ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/release", cookie), id, Anonymous: true) : null!,
        ["POST /api/v1/teach/classes/{class}/devices/{id}/release"] = async () => await Taught(locked: true) is var (id, pad, cookie)
            ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/devices/{pad.Id}/release", cookie), id, Anonymous: true) : null!,
        ["POST /api/v1/teach/classes/{id}/attention"] = async () => await Taught() is var (id, _, cookie) ? new(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/attention", cookie), id, Anonymous: true) : null!,
        ["POST /teach/{id}/lock"] = async () => await Taught() is var (id, _, cookie) ? new(Form($"/teach/{id}/lock", cookie, ("app", "org.example.lesson")), id, Anonymous: true) : null!,
        ["POST /teach/{class}/ipads/{id}/lock"] = async () => await Taught() is var (id, pad, cookie)
            ? new(Form($"/teach/{id}/ipads/{pad.Id}/lock", cookie, ("app", "org.example.lesson")), id, Anonymous: true) : null!,
        ["POST /teach/{id}/release"] = async () => await Taught(locked: true) is var (id, _, cookie) ? new(Form($"/teach/{id}/release", cookie), id, Anonymous: true) : null!,
        ["POST /teach/{class}/ipads/{id}/release"] = async () => await Taught(locked: true) is var (id, pad, cookie)
            ? new(Form($"/teach/{id}/ipads/{pad.Id}/release", cookie), id, Anonymous: true) : null!,
        ["POST /teach/{id}/attention"] = async () => await Taught() is var (id, _, cookie) ? new(Form($"/teach/{id}/attention", cookie), id, Anonymous: true) : null!,
        ["POST /teach/{id}/look"] = async () => await Taught() is var (id, _, cookie) ? new(Form($"/teach/{id}/look", cookie), id, Anonymous: true) : null!,
        ["POST /teach/{class}/ipads/{id}/clear-passcode"] = async () => await Taught() is var (id, pad, cookie)
            ? new(Form($"/teach/{id}/ipads/{pad.Id}/clear-passcode", cookie), pad.Id, Anonymous: true) : null!,
        ["POST /api/v1/automated/servers"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/automated/servers", """{"name": "Every 1"}"""), null)),
        ["PUT /api/v1/automated/servers/{id}"] = () => OnService(id => Task.FromResult(
            new HttpRequestMessage(HttpMethod.Put, $"/api/v1/automated/servers/{id}") { Content = AdminServer.Json("""{"name": "Every 2"}"""), Headers = { { "If-Match", "*" } } })),
        ["DELETE /api/v1/automated/servers/{id}"] = () => OnService(id => Task.FromResult(new HttpRequestMessage(HttpMethod.Delete, $"/api/v1/automated/servers/{id}"))),
        ["POST /api/v1/automated/servers/{id}/key"] = () => OnService(id => Task.FromResult(new HttpRequestMessage(HttpMethod.Post, $"/api/v1/automated/servers/{id}/key"))),
        ["PUT /api/v1/automated/servers/{id}/token"] = async () => await _automated.NewServer() is var (id, pem)
            ? new(new(HttpMethod.Put, $"/api/v1/automated/servers/{id}/token") { Content = new ByteArrayContent(ServerToken(pem)) { Headers = { ContentType = new("application/pkcs7-mime") } } }, id) : null!,
        ["POST /api/v1/automated/servers/{id}/sync"] = async () => await Connected() is var id ? new(new(HttpMethod.Post, $"/api/v1/automated/servers/{id}/sync"), id) : null!,
        ["PUT /api/v1/automated/devices/{serialNumber}/profile"] = async () => await Connected("EVERYA1") is not null
            ? new(Json(HttpMethod.Put, "/api/v1/automated/devices/EVERYA1/profile", "{}"), "EVERYA1") : null!,
        ["POST /api/v1/automated/profiles"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/automated/profiles", """{"name": "Every 3"}"""), null)),
        ["PUT /api/v1/automated/profiles/{id}"] = async () => await EnrolmentProfile() is var id
            ? new(new(HttpMethod.Put, $"/api/v1/automated/profiles/{id}") { Content = AdminServer.Json("""{"name": "Every 4"}"""), Headers = { { "If-Match", "*" } } }, id) : null!,
        ["DELETE /api/v1/automated/profiles/{id}"] = async () => await EnrolmentProfile() is var id ? new(new(HttpMethod.Delete, $"/api/v1/automated/profiles/{id}"), id) : null!,
        ["PUT /api/v1/automated/schools/{id}"] = async () => await School("Every A1") is var id ? new(Json(HttpMethod.Put, $"/api/v1/automated/schools/{id}", "{}"), id) : null!,
        ["PUT /api/v1/automated/groups/{id}"] = async () => await Group("Every A3") is var id ? new(Json(HttpMethod.Put, $"/api/v1/automated/groups/{id}", "{}"), id) : null!,
        ["POST /automated/groups/{id}"] = async () => await Group("Every A4") is var id ? new(Form($"/automated/groups/{id}"), id) : null!,
        ["DELETE /api/v1/automated/held/{id}"] = () => OnPad(async pad => new HttpRequestMessage(HttpMethod.Delete, $"/api/v1/automated/held/{await LetGo(pad)}")),
        ["POST /automated"] = () => Task.FromResult(new Drive(Form("/automated", ("name", "Every 5")), null)),
        ["POST /automated/servers/{id}/edit"] = () => OnService(id => Task.FromResult(Form($"/automated/servers/{id}/edit", ("name", "Every 6"), ("version", "1")))),
        ["POST /automated/servers/{id}/token"] = async () => await _automated.NewServer() is var (id, pem)
            ? new(Own($"/automated/servers/{id}/token", new MultipartFormDataContent { { new ByteArrayContent(ServerToken(pem)), "token", "t.p7m" } }), id) : null!,
        ["POST /automated/servers/{id}/key"] = () => OnService(id => Task.FromResult(Form($"/automated/servers/{id}/key"))),
        ["POST /automated/servers/{id}/sync"] = async () => await Connected() is var id ? new(Form($"/automated/servers/{id}/sync"), id) : null!,
        ["POST /automated/servers/{id}/delete"] = () => OnService(async id => Form($"/automated/servers/{id}/delete", ("confirm", (string)(await _automated.Get($"servers/{id}"))["name"]!))),
        ["POST /automated/devices/{serialNumber}"] = async () => await Connected("EVERYA2") is not null ? new(Form("/automated/devices/EVERYA2"), "EVERYA2") : null!,
        ["POST /my/out-of-the-box/person"] = SignInOnNew,
        ["POST /automated/profiles"] = () => Task.FromResult(new Drive(Form("/automated/profiles", ("name", "Every 7"), ("supervised", "true")), null)),
        ["POST /automated/profiles/{id}"] = async () => await EnrolmentProfile() is var id ? new(Form($"/automated/profiles/{id}", ("name", "Every 8"), ("supervised", "true"), ("version", "1")), id) : null!,
        ["POST /automated/profiles/{id}/delete"] = async () => await EnrolmentProfile() is var id ? new(Form($"/automated/profiles/{id}/delete"), id) : null!,
        ["POST /automated/schools"] = async () => await School("Every A2") is var id ? new(Form("/automated/schools", ("schoolId", id)), id) : null!,
        ["POST /automated/held/{id}/dismiss"] = () => OnPad(async pad => Form($"/automated/held/{await LetGo(pad)}/dismiss")),
        ["POST /api/v1/apps-and-books/locations"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/apps-and-books/locations", $$"""{"token": "{{_content.AddLocation("Every").Token}}"}"""), null)),
        ["DELETE /api/v1/apps-and-books/locations/{id}"] = async () => await Content() is var (id, _) ? new(new(HttpMethod.Delete, $"/api/v1/apps-and-books/locations/{id}"), id) : null!,
        ["POST /api/v1/apps-and-books/locations/{id}/claim"] = async () => await Content() is var (id, _) ? new(new(HttpMethod.Post, $"/api/v1/apps-and-books/locations/{id}/claim"), id) : null!,
        ["POST /api/v1/apps-and-books/locations/{id}/sync"] = async () => await Content() is var (id, _) ? new(new(HttpMethod.Post, $"/api/v1/apps-and-books/locations/{id}/sync"), id) : null!,
        ["POST /apps-and-books/locations"] = () => Task.FromResult(new Drive(
            Own("/apps-and-books/locations", new MultipartFormDataContent { { new StringContent(_content.AddLocation("Every").Token), "token", "a.vpptoken" } }), null)),
        ["POST /apps-and-books/locations/{id}/claim"] = async () => await Content() is var (id, _) ? new(Form($"/apps-and-books/locations/{id}/claim"), id) : null!,
        ["POST /apps-and-books/locations/{id}/sync"] = async () => await Content() is var (id, _) ? new(Form($"/apps-and-books/locations/{id}/sync"), id) : null!,
        ["POST /apps-and-books/locations/{id}/delete"] = async () => await Content() is var (id, name) ? new(Form($"/apps-and-books/locations/{id}/delete", ("confirm", name)), id) : null!,
        ["POST /login"] = async () => await _server.MakeToken("viewer") is var (id, token) ? new(Form("/login", ("token", token)), id, Anonymous: true) : null!,
        ["POST /logout"] = async () => await SignedIn() is var (id, cookie) ? new(Form("/logout", cookie), id, Anonymous: true) : null!,
    };

    private static string Hook(string name) => $$"""{"name": "{{name}}", "url": "https://hooks.example/a", "events": ["device.enrolled"]}""";

    private async Task<string> Webhook(string name, bool paused = false)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/webhooks", AdminServer.Json(Hook(name)));
        var id = (string)(await AdminServer.Body(made, 201))["webhook"]!["id"]!;
        if (!paused) return id;
        using var stopped = await _server.Admin.PostAsync($"/api/v1/webhooks/{id}/pause", null);
        await AdminServer.Body(stopped, 200);
        return id;
    }

    /// <summary>With an event that was given up.</summary>
    private async Task<(string Id, string Delivery)> DeadHook(string name)
    {
        var id = await Webhook(name, paused: true);
        var store = _server.Services.GetRequiredService<IWebhookStore>();
        var now = TimeProvider.System.GetUtcNow();
        await store.Add(id, new WebhookEvent { Id = Guid.NewGuid(), At = now, Kind = WebhookKinds.Test, DeviceId = "", Data = "{}" }, now);
        await store.Trim(id, 0, 10, now);
        return (id, (await store.ListDeliveries(id, WebhookDeliveryState.Dead, null, 1))[0].Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Each_leaves_its_record()
    {
        string[] others = ["/mdm", "/scep", "/acme", "/enroll", "/orleans", "/theme"];
        // Only a certificate of this server's own CA can be renewed; these iPads have others.
        string[] elsewhere = ["POST /api/v1/devices/{id}/renewal", "POST /ipads/{id}/renewal",
            // Ten minutes have to pass before.
            "POST /api/v1/authorities/{id}/activate", "POST /authorities/{id}/activate"];
        var routes = _server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [])
                .Where(method => method is not ("GET" or "HEAD"))
                .Select(method => (Method: method, Route: "/" + endpoint.RoutePattern.RawText!.Trim('/'), Audited: endpoint.Metadata.GetMetadata<AuditedMetadata>())))
            .Where(route => !others.Any(other => route.Route.StartsWith(other, StringComparison.OrdinalIgnoreCase)))
            .Where(route => !elsewhere.Contains($"{route.Method} {route.Route}"))
            .ToDictionary(route => $"{route.Method} {route.Route}", route => route.Audited!);
        var drives = Drives;
        Assert.Equal(routes.Keys.Order(), drives.Keys.Order());

        var missing = new List<string>();
        foreach (var (route, audited) in routes)
        {
            // What the request says as its reason finds the record again.
            var reason = $"{route} {Guid.NewGuid()}";
            var drive = await drives[route]();
            drive.Request.Headers.Add("Audit-Reason", reason);
            using var client = _server.Client(drive.Anonymous ? null : _server.Token);
            using var response = await client.SendAsync(drive.Request);
            Assert.True((int)response.StatusCode < 400, $"{route}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");

            using var page = await _server.Admin.GetAsync("/api/v1/audit?limit=20&verb=" + audited.Verb);
            var found = (await AdminServer.Body(page, 200))["items"]!.AsArray().Where(record => (string?)record!["reason"] == reason).ToList();
            if (found.Count != 1 || !IsRight(found[0]!, audited, drive))
                missing.Add($"{route}: {(found.Count == 0 ? "no record" : string.Join('\n', found.Select(record => record!.ToJsonString())))}");
        }

        Assert.Empty(missing);
    }

    private static bool IsRight(JsonNode record, AuditedMetadata audited, Drive drive) =>
        (string?)record["result"] == "done" && (string?)record["address"] == "127.0.0.1" && (string?)record["actorId"] is { Length: > 0 }
        && (string?)record["targetKind"] == audited.TargetKind && (drive.Target is null || (string?)record["targetId"] == drive.Target);

    [Fact]
    public async Task What_the_other_device_did_and_what_was_decided_about_it_stands_in_the_records_of_the_iPad()
    {
        var pad = await _server.Enrol();
        using var refused = await _server.Admin.SendAsync(Json(HttpMethod.Post, $"{pad.Path}/claim/refuse", $$"""{"claimId": "{{await Claim(pad)}}"}"""));
        await AdminServer.Body(refused, 200);
        var other = NewCertificate();
        using var allowed = await _server.Admin.SendAsync(Json(HttpMethod.Post, $"{pad.Path}/claim/allow", $$"""{"claimId": "{{await Claim(pad, other)}}"}"""));
        await AdminServer.Body(allowed, 200);
        Assert.Equal(DeviceRefusal.None, await Authenticate(pad, other));

        var records = await Of(pad);
        // Both are of one message, in one millisecond: the list has them in either order.
        if ((string?)records[0]["verb"] == "enrolment.serial-number") records.Reverse(0, 2);
        Assert.Equal(
            ["enrolment.displace", "enrolment.serial-number", "reenrolment.allow", "enrolment.claim", "reenrolment.refuse", "enrolment.claim"],
            records.Select(record => (string)record["verb"]!));
        foreach (var (record, kind, address) in records.Zip(["device", "device", "token", "device", "token", "device"], ["192.0.2.7", "192.0.2.7", "127.0.0.1", "192.0.2.7", "127.0.0.1", "192.0.2.7"]))
            Assert.Equal((kind, address, "done"), ((string)record["actorKind"]!, (string)record["address"]!, (string)record["result"]!));
        Assert.False(string.IsNullOrEmpty((string?)records[0]["detail"]));
        Assert.Equal("ANOTHER1", (string?)records[3]["detail"]);
    }

    [Fact]
    public async Task Each_use_of_a_secret_in_escrow_is_a_record_that_does_not_hold_it()
    {
        var pad = await _server.Enrol();
        var (unlock, bootstrap) = (Encoding.ASCII.GetBytes("UNLOCK-SECRET"), Encoding.ASCII.GetBytes("BOOTSTRAP-SECRET"));
        await pad.Grain.TokenUpdate(
            new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = new byte[32], PushMagic = "magic", UnlockToken = unlock }, pad.Certificate);
        await pad.Grain.SetBootstrapToken(bootstrap, pad.Certificate);
        Assert.Empty(await Of(pad));

        Assert.NotNull((await pad.Grain.GetBootstrapToken(pad.Certificate)).Body);
        var uuid = await pad.Send("""{"requestType": "ClearPasscode"}""");
        Assert.Contains(Convert.ToBase64String(unlock), Encoding.UTF8.GetString((await pad.Idle()).Body!).ReplaceLineEndings("").Replace("\t", "", StringComparison.Ordinal));

        var uses = (await Of(pad)).Where(record => (string?)record["verb"] == "escrow.use").ToList();
        Assert.Equal([uuid, null], uses.Select(record => (string?)record["subject"]));
        Assert.Equal(["UnlockToken for ClearPasscode", "BootstrapToken"], uses.Select(record => (string?)record["detail"]));
        Assert.All(uses, record => Assert.Equal(("device", pad.Id), ((string)record["actorKind"]!, (string)record["actorId"]!)));
        Assert.DoesNotContain("SECRET", string.Concat(uses.Select(record => record.ToJsonString())));
    }

    /// <param name="Target">The id that the record must name.</param>
    /// <param name="Anonymous">Sent without the administrator's token.</param>
    private sealed record Drive(HttpRequestMessage Request, string? Target, bool Anonymous = false);

    private const string Serial = "EVERYCHANGE1";

    private Task<Drive> OnPad(Func<TestPad, HttpRequestMessage> request, string? serial = null) => OnPad(pad => Task.FromResult(request(pad)), serial);

    private async Task<Drive> OnPad(Func<TestPad, Task<HttpRequestMessage>> request, string? serial = null)
    {
        var pad = await _server.Enrol(serial);
        return new Drive(await request(pad), pad.Id);
    }

    private async Task<List<JsonNode>> Of(TestPad pad)
    {
        using var response = await _server.Admin.GetAsync("/api/v1/audit?target=" + pad.Id);
        return [.. (await AdminServer.Body(response, 200))["items"]!.AsArray().Select(item => item!).Where(record => (string?)record["verb"] != "command.send")];
    }

    private async Task<(string Id, string Name)> Content()
    {
        var location = _content.AddLocation("Every " + Guid.NewGuid().ToString("N"));
        using var taken = await _server.Admin.PostAsync("/api/v1/apps-and-books/locations", AdminServer.Json($$"""{"token": "{{location.Token}}"}"""));
        return ((string)(await AdminServer.Body(taken, 200))["id"]!, location.Name);
    }

    private async Task<Drive> OnService(Func<string, Task<HttpRequestMessage>> request)
    {
        var (id, _) = await _automated.NewServer();
        return new Drive(await request(id), id);
    }

    private async Task<string> Connected(params string[] serials) => (await _automated.Connect(null, serials)).Id;

    /// <summary>Somebody signs in on an iPad out of the box.</summary>
    private async Task<Drive> SignInOnNew()
    {
        var profile = (string)(await _automated.Post("profiles", $$"""{"name": "{{Guid.NewGuid():N}}", "signIn": true}"""))["id"]!;
        await _automated.Connect(profile, "EVERYA3");
        using var installed = await _server.Admin.SendAsync(new(HttpMethod.Put, "/api/v1/push-certificate") { Content = new StringContent(PushCertificate(), Encoding.UTF8, "application/x-pem-file") });
        var cookie = await (await TestAccount.Ready(_server, $"new-{Guid.NewGuid():N}", "self-service", person: await Person())).Cookie();
        var ipad = _server.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector("automated.sign-in")
            .Protect($$"""{"Until": "{{TimeProvider.System.GetUtcNow().AddMinutes(5):O}}", "Udid": "UDID-EVERYA3", "SerialNumber": "EVERYA3"}""");
        return new Drive(Form("/my/out-of-the-box/person", $"{cookie}; fleetmdm-ipad={Uri.EscapeDataString(ipad)}", ("whose", "me")), "EVERYA3", Anonymous: true);
    }

    private byte[] ServerToken(string pem) => _automated.Apple.Portal.DownloadToken(_automated.Apple.Portal.AddServer(Guid.NewGuid().ToString("N"), pem));

    private async Task<string> EnrolmentProfile() => (string)(await _automated.Post("profiles", $$"""{"name": "{{Guid.NewGuid():N}}"}"""))["id"]!;

    /// <summary>It stands on the list of those that were let go.</summary>
    private async Task<string> LetGo(TestPad pad)
    {
        await _server.Execute($"INSERT INTO automated_holds (device_id, enrolled_at, until_at, state) VALUES ('{pad.Id}', 1, 2, 5)");
        return pad.Id;
    }

    private static HttpRequestMessage Json(HttpMethod method, string path, string json) => new(method, path) { Content = AdminServer.Json(json) };

    private HttpRequestMessage Form(string path, params (string Name, string Value)[] fields) =>
        Own(path, new FormUrlEncodedContent(fields.Append(("key", Guid.NewGuid().ToString("N"))).Select(field => new KeyValuePair<string, string>(field.Item1, field.Item2))));

    private HttpRequestMessage Form(string path, string cookie, params (string Name, string Value)[] fields)
    {
        var request = Form(path, fields);
        request.Headers.Add("Cookie", cookie);
        return request;
    }

    private static string ReceiverPem()
    {
        using var receiver = ExportTests.Receiver();
        return receiver.ExportCertificatePem();
    }

    private static string ReceiverRequest() => new JsonObject { ["certificate"] = ReceiverPem(), ["reason"] = "We move." }.ToJsonString();

    /// <param name="text">The field is a text, and no file.</param>
    private HttpRequestMessage Upload(string path, string field, string file, bool text = false, bool basedOn = false, (string Name, string Value)? more = null)
    {
        var content = new MultipartFormDataContent { { new StringContent(""), "password" } };
        if (more is { } other) content.Add(new StringContent(other.Value), other.Name);
        if (text)
        {
            content.Add(new StringContent(file), $"\"{field}\"");
        }
        else
        {
            content.Add(new StringContent(file), field, field);
        }

        if (text || basedOn) content.Add(new StringContent("1"), "basedOn");

        return Own(path, content);
    }

    private HttpRequestMessage Own(string path, HttpContent content) => new(HttpMethod.Post, path) { Content = content, Headers = { { "Origin", _origin } } };

    private async Task<string> Lock() => $$$"""{"target": {"ids": ["{{{(await _server.Enrol()).Id}}}"]}, "command": {"requestType": "DeviceInformation"}}""";

    private async Task<string> Operation()
    {
        using var started = await _server.Admin.PostAsync("/api/v1/operations", AdminServer.Json(await Lock()));
        return (string)(await AdminServer.Body(started, 202))["id"]!;
    }

    /// <summary>It waits for tomorrow.</summary>
    private async Task<string> Paced(bool paused = false)
    {
        var pace = $$$"""{"startAt": "{{{TimeProvider.System.GetUtcNow().AddDays(1):O}}}"}""";
        using var started = await _server.Admin.PostAsync("/api/v1/operations", AdminServer.Json($$"""{{(await Lock())[..^1]}}, "pace": {{pace}}}"""));
        var id = (string)(await AdminServer.Body(started, 202))["id"]!;
        if (!paused) return id;
        using var held = await _server.Admin.PostAsync($"/api/v1/operations/{id}/pause", null);
        await AdminServer.Body(held, 200);
        return id;
    }

    private const string Repeat = """{"name": "Every", "target": {"all": true}, "command": {"requestType": "DeviceInformation"}, "at": "17:00"}""";

    private async Task<string> Repeating(bool paused = false)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/repeating-operations", AdminServer.Json(Repeat));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        if (!paused) return id;
        using var held = await _server.Admin.PostAsync($"/api/v1/repeating-operations/{id}/pause", null);
        await AdminServer.Body(held, 200);
        return id;
    }

    /// <summary>Its only iPad answered an error.</summary>
    private async Task<string> Failed()
    {
        var pad = await _server.Enrol();
        using var sent = await _server.Admin.PostAsync("/api/v1/operations",
            AdminServer.Json($$$"""{"target": {"ids": ["{{{pad.Id}}}"]}, "command": {"requestType": "DeviceInformation"}}"""));
        var started = await AdminServer.Body(sent, 202);
        await pad.Answer((string)started["commandUuid"]!, ReportStatus.Error);
        return (string)started["id"]!;
    }

    private async Task<string> PreparedCa()
    {
        await NoneIsPrepared();
        using var made = await _server.Admin.PostAsync("/api/v1/authorities", null);
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<bool> NoneIsPrepared()
    {
        using var list = await _server.Admin.GetAsync("/api/v1/authorities");
        foreach (var ca in (await AdminServer.Body(list, 200))["items"]!.AsArray().Where(ca => (string?)ca!["state"] == "prepared"))
            using (await _server.Admin.DeleteAsync($"/api/v1/authorities/{ca!["id"]}")) { }
        return true;
    }

    private async Task<string> Role(string name)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/roles", AdminServer.Json($$"""{"name": "{{name}}", "title": "Every", "rights": ["device.read"]}"""));
        return (string)(await AdminServer.Body(made, 201))["name"]!;
    }

    private async Task<string> School(string name)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/schools", AdminServer.Json($$"""{"name": "{{name}}"}"""));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<string> Group(string name)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/groups", AdminServer.Json($$"""{"name": "{{name}}"}"""));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private static string Zone(string name) => $$"""{"name": "{{name}}", "setting": {"item": "TimeZone", "timeZone": "Europe/Stockholm"}, "target": "serial:NOBODY"}""";

    /// <summary>In a month, by the clock of the district.</summary>
    private static string Soon(string clock) => TimeProvider.System.GetUtcNow().AddDays(30).UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture) + "T" + clock;

    private static string ExamBody(string name, bool runs = false, string whom = """ "target": "serial:NOBODY" """)
    {
        var starts = TimeProvider.System.GetUtcNow().AddHours(runs ? -1 : 24);
        return $$"""{"name": "{{name}}", "app": {"bundleId": "org.example.exam"}, {{whom}}, "startsAt": "{{starts:O}}", "endsAt": "{{TimeProvider.System.GetUtcNow().AddHours(runs ? 1 : 25):O}}"}""";
    }

    private async Task<string> NewSerial()
    {
        var serial = $"EC{Guid.NewGuid():N}"[..12].ToUpperInvariant();
        await _server.Enrol(serial: serial);
        return serial;
    }

    private async Task<(string Id, (string Id, string Serial) Pad)> Campaign(bool closed = false, bool collected = false)
    {
        var serial = $"EC{Guid.NewGuid():N}"[..12].ToUpperInvariant();
        var pad = await _server.Enrol(serial: serial);
        using var made = await _server.Admin.PostAsync("/api/v1/campaigns", AdminServer.Json($$"""{"name": "Every", "target": "serial:{{serial}}"}"""));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        if (collected) (await _server.Admin.PostAsync($"/api/v1/campaigns/{id}/collect", AdminServer.Json($$"""{"code": "{{serial}}"}"""))).Dispose();
        if (closed) (await _server.Admin.PostAsync($"/api/v1/campaigns/{id}/close", null)).Dispose();
        return (id, (pad.Id, serial));
    }

    private async Task<string> Exam(string name, bool runs = false)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/exams", AdminServer.Json(runs ? ExamBody(name, runs, $"\"iPads\": [\"{(await _server.Enrol()).Id}\"]") : ExamBody(name)));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<string> Assignment(string name)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/assignments", AdminServer.Json(Zone(name)));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<string> StoppedRollOut(string name)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/assignments", AdminServer.Json(Zone(name).Replace("\"target\"", "\"rollOut\": {}, \"target\"", StringComparison.Ordinal)));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        Assert.True(await _server.Services.GetRequiredService<IRollOutStore>().Stop(id, 0, withdraw: false, "Nobody answered", null));
        return id;
    }

    private async Task<string> FilledGroup(string name)
    {
        var id = await Group(name);
        using var filled = await _server.Admin.PostAsync($"/api/v1/groups/{id}/members", AdminServer.Json("""{"filter": "status:enrolled"}"""));
        Assert.True(filled.IsSuccessStatusCode);
        return id;
    }

    private async Task<string> Person()
    {
        using var made = await _server.Admin.PostAsync("/api/v1/people", AdminServer.Json("""{"role": "pupil", "familyName": "Every"}"""));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    /// <returns>The iPad's path.</returns>
    private async Task<string> HandedOut(TestPad pad)
    {
        using var given = await _server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{await Person()}}"}"""));
        Assert.True(given.IsSuccessStatusCode);
        return pad.Path;
    }

    /// <summary>By a person, with an iPad of their own.</summary>
    private async Task<Drive> OnOwn(Func<TestPad, string, HttpRequestMessage> request, bool lost = false, bool back = false)
    {
        var (person, pad) = (await Person(), await _server.Enrol());
        await _server.Execute($"UPDATE devices SET is_supervised = 1 WHERE id = '{pad.Id}'");
        using var given = await _server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{person}}"}"""));
        await AdminServer.Body(given, 200);
        var cookie = await (await TestAccount.Ready(_server, $"own-{Guid.NewGuid():N}", "self-service", person: person)).Cookie();
        using var client = _server.Client();
        if (lost)
        {
            using var begun = await client.SendAsync(ByPerson(HttpMethod.Post, $"/api/v1/my/devices/{pad.Id}/lost-mode", cookie));
            await AdminServer.Body(begun, 200);
            await _server.Execute($"UPDATE devices SET is_lost = 1 WHERE id = '{pad.Id}'");
        }

        if (back)
        {
            using var asked = await client.SendAsync(ByPerson(HttpMethod.Put, $"/api/v1/my/devices/{pad.Id}/return-request", cookie));
            await AdminServer.Body(asked, 200);
        }

        return new(request(pad, cookie), pad.Id, Anonymous: true);
    }

    /// <summary>A class, the iPad of a pupil in it, and the cookie of its teacher.</summary>
    private async Task<(string Class, TestPad Pad, string Cookie)> Taught(bool locked = false)
    {
        var (id, _) = await Class($"Every {Guid.NewGuid():N}");
        var (teacher, pupil, pad) = (await Person(), await Person(), await _server.Enrol());
        foreach (var (person, role) in new[] { (teacher, "teacher"), (pupil, "pupil") })
        {
            using var put = await _server.Admin.PutAsync($"/api/v1/classes/{id}/members/{person}", AdminServer.Json($$"""{"role": "{{role}}"}"""));
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        }

        using var given = await _server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{pupil}}"}"""));
        await AdminServer.Body(given, 200);
        await _server.Execute($"UPDATE devices SET unlock_token = x'00' WHERE id = '{pad.Id}'");
        await _server.Execute($"UPDATE devices SET is_supervised = 1 WHERE id = '{pad.Id}'");
        await _server.Execute($"INSERT INTO inventory_items (device_id, list, key, name, details) VALUES ('{pad.Id}', 1, 'org.example.lesson', 'Lesson', '{{}}')");
        var cookie = await (await TestAccount.Ready(_server, $"teacher-{Guid.NewGuid():N}", "teacher", person: teacher)).Cookie();
        if (locked)
        {
            using var client = _server.Client();
            using var sent = await client.SendAsync(ByPerson(HttpMethod.Post, $"/api/v1/teach/classes/{id}/lock", cookie, LessonBody));
            await AdminServer.Body(sent, 200);
        }

        return (id, pad, cookie);
    }

    private const string LessonBody = """{"bundleId": "org.example.lesson"}""";

    private HttpRequestMessage ByPerson(HttpMethod method, string path, string cookie, string? json = null) => new(method, path)
    {
        Content = json is null ? null : AdminServer.Json(json),
        Headers = { { "Origin", _origin }, { "Cookie", cookie } },
    };

    private Task<string> Note(TestPad pad) => Made($"{pad.Path}/notes", """{"text": "A new case."}""");

    private Task<string> Incident(TestPad pad) => Made($"{pad.Path}/incidents", """{"kind": "brokenScreen", "text": "It fell."}""");

    private async Task<string> Made(string path, string json)
    {
        using var made = await _server.Admin.PostAsync(path, AdminServer.Json(json));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<(string Id, string School)> Class(string schoolName)
    {
        var school = await School(schoolName);
        using var made = await _server.Admin.PostAsync("/api/v1/classes", AdminServer.Json($$"""{"name": "7B", "schoolId": "{{school}}"}"""));
        return ((string)(await AdminServer.Body(made, 201))["id"]!, school);
    }

    private async Task<(string Class, string Person)> Member(string schoolName)
    {
        var (id, person) = ((await Class(schoolName)).Id, await Person());
        using var set = await _server.Admin.PutAsync($"/api/v1/classes/{id}/members/{person}", AdminServer.Json("""{"role": "teacher"}"""));
        Assert.True(set.IsSuccessStatusCode);
        return (id, person);
    }

    private static string PeopleCsv() => $"id,given name,family name\n{Guid.NewGuid()},Ev,Ery\n";

    private async Task<string> Import()
    {
        using var made = await _server.Admin.PostAsync("/api/v1/people-imports", new StringContent(PeopleCsv(), Encoding.UTF8, "text/csv"));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<string> DeviceImport(string serialNumber)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/device-imports", new StringContent(Csv(serialNumber), Encoding.UTF8, "text/csv"));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<string> AppliedDeviceImport(string serialNumber)
    {
        using var person = await _server.Admin.PostAsync("/api/v1/people", AdminServer.Json($$"""{"role": "pupil", "givenName": "Ali", "familyName": "Berg", "username": "{{serialNumber}}"}"""));
        await AdminServer.Body(person, 201);
        using var made = await _server.Admin.PostAsync("/api/v1/device-imports", new StringContent($"Serial Number,User Name\n{serialNumber},{serialNumber}\n", Encoding.UTF8, "text/csv"));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        using var applied = await _server.Admin.PostAsync($"/api/v1/device-imports/{id}/apply", null);
        await AdminServer.Body(applied, 200);
        return id;
    }

    private async Task<string> Placeholder(string serialNumber)
    {
        using var made = await _server.Admin.PutAsync($"/api/v1/placeholders/{serialNumber}", AdminServer.Json("""{"name": "one"}"""));
        Assert.True(made.IsSuccessStatusCode);
        return serialNumber;
    }

    private static string NewProfile() => $"org.example.every.{Guid.NewGuid():N}";

    private static string Library(string identifier, int rating) => $$"""
        {"profile": {"PayloadIdentifier": "{{identifier}}", "PayloadContent": [{"PayloadType": "com.apple.applicationaccess", "ratingApps": {{rating * 100}} }]} }
        """;

    private Task<TestAccount> Account(string name) => TestAccount.Create(_server, name, "viewer");

    /// <summary>It has a password, and a second step if it is to have one.</summary>
    private async Task<TestAccount> Ready(string name, bool totp = false)
    {
        var account = await Account(name);
        await account.SetPassword();
        if (totp) await account.SetUpTotp();
        return account;
    }

    /// <summary>Of one that was just added.</summary>
    private async Task<string> Passkey(TestAccount account, string cookie)
    {
        await new PasskeyBrowser(_server).Add(cookie, "iPad");
        return (await _server.Services.GetRequiredService<FleetMdm.Storage.Access.IPasskeyStore>().List(account.Id)).Single().Id;
    }

    private static HttpRequestMessage Library(HttpMethod method, string path, string identifier, int rating)
    {
        var request = Json(method, path, Library(identifier, rating));
        request.Headers.Add("If-Match", "*");
        return request;
    }

    private async Task<(string Id, string Identifier)> LibraryProfile()
    {
        var identifier = NewProfile();
        using var made = await _server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(Library(identifier, 1)));
        return ((string)(await AdminServer.Body(made, 201))["id"]!, identifier);
    }

    private async Task<string> ChangedProfile()
    {
        var (id, identifier) = await LibraryProfile();
        using var changed = await _server.Admin.SendAsync(Library(HttpMethod.Put, $"/api/v1/profiles/{id}", identifier, 3));
        Assert.True(changed.IsSuccessStatusCode);
        return id;
    }

    private async Task<Drive> OnProfile(Func<string, Task<HttpRequestMessage>> request) => (await LibraryProfile()).Id is var id ? new(await request(id), id) : null!;

    private static string Csv(string serialNumber) => $"serial number,name\n{serialNumber},NS-1\n";

    /// <summary>Its number: the id is a secret, and stands in no record.</summary>
    private async Task<string> Invitation()
    {
        using var made = await _server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json("{}"));
        return ((long)(await AdminServer.Body(made, 201))["number"]!).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task<(string TokenId, string Cookie)> SignedIn()
    {
        var (id, token) = await _server.MakeToken("viewer");
        using var client = _server.Client();
        using var login = await client.SendAsync(Form("/login", ("token", token)));
        return (id, login.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
    }

    private static PresentedCertificate NewCertificate() => new(RandomNumberGenerator.GetBytes(32), DateTimeOffset.MaxValue.AddYears(-5000));

    private static async Task<DeviceRefusal> Authenticate(TestPad pad, PresentedCertificate certificate) => (await pad.Grain.Authenticate(
        new AuthenticateMessage { Topic = "com.apple.mgmt.test", Udid = pad.Id, SerialNumber = "ANOTHER1", Address = "192.0.2.7" }, certificate)).Refusal;

    private async Task<string> Claim(TestPad pad, PresentedCertificate? certificate = null)
    {
        Assert.Equal(DeviceRefusal.Claimed, await Authenticate(pad, certificate ?? NewCertificate()));
        using var response = await _server.Admin.GetAsync(pad.Path + "/claim");
        return (string)(await AdminServer.Body(response, 200))["claimId"]!;
    }

    private async Task<string> App(string bundleId)
    {
        using var made = await _server.Admin.PostAsync("/api/v1/apps", HostedAppTests.Body(HostedAppTests.Ipa(bundleId)));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    /// <summary>It has answered with a secret.</summary>
    private static async Task<string> Told(TestPad pad)
    {
        var uuid = await pad.Send("""{"requestType": "ActivationLockBypassCode"}""");
        await pad.Answer(uuid, extra: "<key>ActivationLockBypassCode</key><string>A-CODE</string>");
        return uuid;
    }

    /// <summary>It has told its code.</summary>
    private static async Task<string> Locked(TestPad pad)
    {
        await pad.Answer(await pad.Send("""{"requestType": "ActivationLockBypassCode"}"""), extra: "<key>ActivationLockBypassCode</key><string>A-CODE</string>");
        return pad.Id;
    }

    /// <summary>What the page sends that was shown before.</summary>
    private async Task<HttpRequestMessage> Confirmed()
    {
        using var check = await _server.SendToMany(("q", (await _server.Enrol()).Id), ("type", "DeviceInformation"));
        return Form("/operations", [.. AdminServer.ConfirmFields(await check.Content.ReadAsStringAsync())]);
    }

    private async Task<string> Wifi()
    {
        using var made = await _server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json($$$"""
            {"profile": {"PayloadDisplayName": "School", "PayloadIdentifier": "every.{{{Guid.NewGuid():N}}}", "PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "School",
              "EncryptionType": "WPA2", "Password": "pupils-and-more"}]}}
            """));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<string> ReturnBody() => $$$"""{"target": {"ids": ["{{{(await _server.Enrol()).Id}}}"]}, "wifiProfileId": "{{{await Wifi()}}}", "push": false}""";

    private async Task<string> Return()
    {
        using var made = await _server.Admin.PostAsync("/api/v1/returns", AdminServer.Json(await ReturnBody()));
        return (string)(await AdminServer.Body(made, 202))["id"]!;
    }

    private async Task<HttpRequestMessage> ReturnForm()
    {
        var body = await ReturnBody();
        using var planned = await _server.Admin.PostAsync("/api/v1/returns?dryRun=true", AdminServer.Json(body));
        var plan = await AdminServer.Body(planned, 200);
        return Form("/operations/returns", ("request", body), ("confirmation", (string)plan["operation"]!["confirmation"]!), ("expected", "1"));
    }

    /// <returns>A profile that can be said.</returns>
    private async Task<string> NoReturnAnswer()
    {
        (await _server.Admin.DeleteAsync("/api/v1/return-answer")).Dispose();
        return await Wifi();
    }

    private async Task<string> ReturnAnswer()
    {
        var wifi = await NoReturnAnswer();
        using var put = await _server.Admin.PutAsync("/api/v1/return-answer", AdminServer.Json($$"""{"wifiProfileId": "{{wifi}}"}"""));
        await AdminServer.Body(put, 200);
        return wifi;
    }

    private async Task<bool> PushCertificateStands()
    {
        using var put = await _server.Admin.PutAsync("/api/v1/push-certificate", new StringContent(PushCertificate(), Encoding.UTF8, "application/x-pem-file"));
        return put.IsSuccessStatusCode;
    }

    /// <summary>One topic: a second one with another would be refused.</summary>
    private static string PushCertificate()
    {
        using var apns = new ApnsAuthority(TimeProvider.System);
        using var minted = apns.MintPushCertificate("com.apple.mgmt.External.11111111-2222-3333-4444-555555555555");
        return minted.ToPem();
    }
}
