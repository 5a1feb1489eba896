using System.Net.Http.Headers;
using System.Text;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Forms with files that are damaged on the way are refused with a sentence, on every page that takes one.</summary>
public sealed class BrokenFormTests(AdminServer server) : IClassFixture<AdminServer>
{
    [Theory]
    [InlineData("/hosted-apps")]
    [InlineData("/placeholders/import")]
    [InlineData("/people/import")]
    [InlineData("/push-certificate")]
    [InlineData("/profiles/upload")]
    [InlineData("/operations")]
    public async Task A_form_without_a_boundary_or_with_half_a_part_is_400(string path)
    {
        foreach (var type in (string[])["multipart/form-data", "multipart/form-data; boundary=\"\"", $"multipart/form-data; boundary={new string('b', 300)}", "multipart/form-data; boundary=x"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.ASCII.GetBytes("--x\r\nContent-Dis")) };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            request.Headers.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));

            using var answer = await server.Admin.SendAsync(request);

            Assert.True((int)answer.StatusCode == 400, $"{path} with {type}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }
    }
}
