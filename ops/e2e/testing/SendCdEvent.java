import dev.cdevents.CDEvents;
import dev.cdevents.events.ServiceDeployedCDEvent;
import io.cloudevents.CloudEvent;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Sends one event of the CDEvents SDK as a CloudEvent in binary mode: address, API key, service. Prints the answer. */
public final class SendCdEvent {
    public static void main(String[] args) throws Exception {
        ServiceDeployedCDEvent deployed = new ServiceDeployedCDEvent();
        deployed.setSource(URI.create("https://ci.example/pipelines"));
        deployed.setSubjectId(args[2]);
        deployed.setSubjectSource(URI.create("https://cluster.example"));
        deployed.setSubjectEnvironmentId("production");
        deployed.setSubjectEnvironmentSource("https://cluster.example/production");
        deployed.setSubjectArtifactId("pkg:oci/checkout@sha256%3A0b31b1c02ff458ad?tag=v1.4.0");
        CloudEvent event = CDEvents.cdEventAsCloudEvent(deployed);
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(args[0]))
            .header("X-API-Key", args[1])
            .header("Content-Type", event.getDataContentType())
            .POST(HttpRequest.BodyPublishers.ofByteArray(event.getData().toBytes()));
        for (String name : event.getAttributeNames()) {
            if (name.equals("datacontenttype")) continue;
            request.header("ce-" + name, event.getAttribute(name).toString());
        }
        HttpResponse<String> answer = HttpClient.newHttpClient()
            .send(request.build(), HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
